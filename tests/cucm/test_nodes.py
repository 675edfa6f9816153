"""What nodes are called: names, numbers and addresses."""

from pathlib import Path

import pytest

from cti_es.cucm.nodes import Nodes, read_nodes
from cti_es.vocabulary.errors import InputError

KNOWN = ("cm1", "CM2.example.com", "10.1.1.3")


@pytest.mark.parametrize(
    ("ref", "node"),
    [
        ("host cm1", "cm1"),
        ("host cm1.example.com", "cm1"),
        ("host cm2", "CM2.example.com"),
        ("host cm2.other.net", "CM2.example.com"),
        ("host 10.1.1.3", "10.1.1.3"),
        ("address 10.1.1.3", "10.1.1.3"),
        ("host 10.9.9.9", None),
        ("address 10.1.1.9", None),
        ("number 1", None),
        ("host cm3", None),
    ],
)
def test_by_name(ref, node):
    """A host name is the node of that name, with or without a domain, in any case; an address only itself."""
    assert Nodes(KNOWN).find([ref])[0] == node


def test_learnt_pairs():
    """Number and host, number and address: an address leads to the node over the number."""
    nodes = Nodes(KNOWN)
    nodes.learn("number 1", "host cm1")
    nodes.learn("number 2", "host cm2")
    nodes.learn("number 2", "address 10.1.1.2")

    assert nodes.find(["number 1"])[0] == "cm1"
    assert nodes.find(["address 10.1.1.2"])[0] == "CM2.example.com"
    assert nodes.find(["number 9", "address 10.1.1.2"])[0] == "CM2.example.com"
    assert nodes.find(["number 9"]) == (None, "unknown_node")


def test_what_could_be_two_nodes_is_none():
    """A number that two hosts gave themselves (files of two clusters) names nobody; what is given settles it."""
    given = {"number 1": "cm1"}
    for nodes, expected in ((Nodes(KNOWN), (None, "ambiguous_node")), (Nodes(KNOWN, given), ("cm1", "unknown_node"))):
        nodes.learn("number 1", "host cm1")
        nodes.learn("number 1", "host cm2")
        assert nodes.find(["number 1"]) == expected
    assert Nodes(("cm1.a", "cm1.b")).find(["host cm1"]) == (None, "ambiguous_node")


@pytest.mark.parametrize(
    ("given", "ref", "node"),
    [
        ("host cucm-1", "host cucm-1.example.com", "cm1"),
        ("host cucm-1.example.com", "host cucm-1", "cm1"),
        ("host cucm-1.example.com", "host cucm-1.other.net", "cm1"),
        ("host 10.1.1.1", "host 10.1.1.2", None),
    ],
)
def test_given_names_with_and_without_a_domain(given, ref, node):
    """A file of nodes may have the domain, the log or not; addresses are not shortened."""
    assert Nodes(KNOWN, {given: "cm1"}).find([ref])[0] == node


def test_given_names_that_differ_by_the_domain_alone():
    """With the domain they are told apart, without it nobody is meant."""
    nodes = Nodes(("cm1", "cm2"), {"host a.one": "cm1", "host a.two": "cm2"})

    assert [nodes.find([f"host {name}"])[0] for name in ("a.one", "a.two", "a")] == ["cm1", "cm2", None]
    assert nodes.find(["host a"])[1] == "ambiguous_node"


@pytest.fixture
def rows(tmp_path, monkeypatch):
    """What a file of nodes with these lines says."""
    monkeypatch.chdir(tmp_path)

    def read(*lines):
        Path("nodes.csv").write_text("".join(f"{line}\n" for line in lines))
        return read_nodes("nodes.csv", ("cm1", "cm2"))

    return read


def test_a_file_of_nodes(rows):
    """Any of the columns, several names in one cell, blank lines between."""
    assert rows("node,number,hosts,addresses", "cm1,1,pub pub.example.com,10.1.1.1", "", 'cm2,2,sub,"10.1.1.2; fe80::2"') == {
        "number 1": "cm1", "host pub": "cm1", "host pub.example.com": "cm1", "address 10.1.1.1": "cm1",
        "number 2": "cm2", "host sub": "cm2", "address 10.1.1.2": "cm2", "address fe80::2": "cm2",
    }  # fmt: skip
    assert rows("Number , NODE", "1,cm1") == {"number 1": "cm1"}


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        ([], "nodes.csv: nothing in it"),
        (["number,hosts"], "nodes.csv:1: no column 'node'"),
        (["node,numbr"], "nodes.csv:1: the column 'numbr'"),
        (["node,node"], "nodes.csv:1: the column 'node'"),
        (["node,number", "cm3,1"], "nodes.csv:2: unknown node 'cm3'"),
        (["node,number", "cm1,1", "cm2,1"], "nodes.csv:3: number 1 stands for 'cm1' and 'cm2'"),
        (["node,number", "cm1,1,x"], "nodes.csv:2: 3 columns"),
        (["node,number", "cm1,x"], "nodes.csv:2: the number 'x'; expected the number of a node"),
        (["node,number", "cm1,\x1b"], "nodes.csv:2: the character U+001B"),
        (["node,number", "cm1," + "1" * 200_000], "nodes.csv:2: not CSV"),
    ],
)
def test_files_that_are_refused(lines, error, rows):
    """Each mistake with its line."""
    with pytest.raises(InputError) as caught:
        rows(*lines)
    assert str(caught.value).startswith(error)
