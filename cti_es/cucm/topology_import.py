"""What the files of an import say of the topology, and how the log comes to know it."""

from collections.abc import Callable, Container, Iterable, Iterator
from itertools import islice

from cti_es.cucm.claims import NodeRef
from cti_es.cucm.findings import Findings
from cti_es.cucm.nodes import Nodes
from cti_es.cucm.topology_events import NO_TIME, TopologyEvents, TopologyOptions, nodes_of
from cti_es.cucm.topology_files import TopologyFiles
from cti_es.logs.store.base import Store
from cti_es.model.cluster import Cluster
from cti_es.model.replay import Replay
from cti_es.vocabulary.errors import InputError
from cti_es.vocabulary.events import Event

_BATCH = 1_000

Given = Callable[[Iterable[str]], dict[NodeRef, str]]
"""The names of the nodes of a log → what else these nodes are called in the files."""


class NoTopology(InputError):
    """A log without nodes, and no file says which there are."""


class TopologyOfFiles:
    """What the files say of the topology, and how the log comes to know it."""

    def __init__(
        self,
        store: Store,
        name: str,
        cluster: Cluster,
        describing: TopologyOptions,
        given: Given,
        findings: Findings,
    ) -> None:
        self.read = TopologyFiles(findings)
        self.nodes = Nodes(())
        self._store, self._name, self._cluster, self._findings = store, name, cluster, findings
        self._describing, self._given = describing, given
        self._events: TopologyEvents | None = None

    def devices(self) -> Container[str]:
        """The devices that the log knows, or will know before the logs come. Raises :class:`NoTopology`."""
        topology = self.read.topology
        if not self._cluster.nodes and not topology.nodes:
            raise NoTopology(f"the log '{self._name}' has no nodes yet", where=self._store.address,
                             expected="the topology (nodes, devices, who has opened what)",
                             hint="append it from a file first")  # fmt: skip
        self.nodes = nodes_of(topology, self._cluster.nodes, self._given)
        if topology.is_empty:
            return self._cluster.devices
        self._events = TopologyEvents(topology, self.nodes, self._describing, self._findings, self.read.place)
        return {*self._cluster.devices, *self._events.devices()}

    def events(self, replay: Replay, first: str | None) -> Iterator[list[Event]]:
        """The events that the log does not have yet, in batches; ``first`` is the time of the first log."""
        if self._events is None:
            return
        at = self._describing.at or first or NO_TIME
        events = self._events.events(replay, at)
        if (batch := list(islice(events, _BATCH))) and self._describing.at is None:
            why = "no log has come with it" if first is None else "when the first log begins"
            self._findings.add("topology", "at", None, f"has been so since {at}: {why}")
        while batch:
            yield batch
            batch = list(islice(events, _BATCH))
