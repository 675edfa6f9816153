"""The SQL that asks a cluster for its topology, for the command line of the publisher.

What becomes of the answers: docs/reference/imports.md#topology.

Tables and columns are those of queries that engineers have published; the queries are ours, and untried.
"""

_PRESENT = "run sql select {columns} from {tables}{where}"
_NODE = "callmanager cm inner join processnode pn on cm.fkprocessnode=pn.pkid"
_OF_CTI = " where d.tkmodel in (72,73)"
_OF_APP = (
    " where d.pkid in (select fkdevice from applicationuserdevicemap where fkapplicationuser in"
    " (select pkid from applicationuser where name='{app}'))"
)

_QUERIES: tuple[tuple[str, str, str], ...] = (
    ("pn.name as node, cm.name as cmname, cm.ctiid as ctiid", _NODE, ""),
    (
        "cmg.name as cmgroup, cmgm.priority as priority, pn.name as node",
        "callmanagergroupmember cmgm inner join callmanagergroup cmg on cmgm.fkcallmanagergroup=cmg.pkid"
        " inner join callmanager cm on cmgm.fkcallmanager=cm.pkid"
        " inner join processnode pn on cm.fkprocessnode=pn.pkid",
        " order by cmg.name, cmgm.priority",
    ),
    (
        "d.name as device, tm.name as model, d.tkmodel as tkmodel, d.tkclass as tkclass, dp.name as devicepool,"
        " cmg.name as cmgroup",
        "device d inner join typemodel tm on d.tkmodel=tm.enum inner join devicepool dp on d.fkdevicepool=dp.pkid"
        " inner join callmanagergroup cmg on dp.fkcallmanagergroup=cmg.pkid",
        "{devices}",
    ),
    (
        "d.name as device, n.dnorpattern as dn, rp.name as partition",
        "device d inner join devicenumplanmap dnpm on dnpm.fkdevice=d.pkid"
        " inner join numplan n on dnpm.fknumplan=n.pkid left join routepartition rp on n.fkroutepartition=rp.pkid",
        "{devices} order by d.name",
    ),
    (
        "au.name as appuser, d.name as device",
        "applicationuserdevicemap m inner join applicationuser au on m.fkapplicationuser=au.pkid"
        " inner join device d on m.fkdevice=d.pkid",
        "{appusers}",
    ),
    (
        "eu.userid as enduser, d.name as device",
        "enduserdevicemap m inner join enduser eu on m.fkenduser=eu.pkid inner join device d on m.fkdevice=d.pkid",
        "",
    ),
)


def queries(app: str | None = None) -> list[str]:
    """The commands to paste: nodes, groups, devices, lines, who may control them.

    Devices are CTI ports and route points; with ``app`` those that this application user may control, of any kind, and
    end users are not asked for.
    """
    name = (app or "").replace("'", "''")
    devices = _OF_CTI if app is None else _OF_APP.format(app=name)
    appusers = "" if app is None else f" where au.name='{name}'"
    some = _QUERIES if app is None else _QUERIES[:-1]
    return [
        _PRESENT.format(columns=columns, tables=tables, where=rest.format(devices=devices, appusers=appusers))
        for columns, tables, rest in some
    ]
