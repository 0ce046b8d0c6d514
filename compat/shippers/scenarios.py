"""Shippers of Debian: rsyslog both ways, syslog-ng, collectd, nginx with its Lua producer."""

import json
import pathlib
import urllib.request

from compat import debian, kit, servers

HERE = pathlib.Path(__file__).resolve().parent
DEBIAN = "Debian 12's"
COUNT = 2000


def configured(scratch, name, **more):
    """A configuration of this folder with its @NAMES@ filled in."""
    text = (HERE / name).read_text()
    names = {"DIR": scratch, "BOOT": kit.broker().bootstrap, **more}
    for key, value in names.items():
        text = text.replace(f"@{key}@", str(value))
    (scratch / name).write_text(text)
    return scratch / name


def consumed(topic, count):
    """What kcat reads of a topic until it has `count` records."""
    return kit.run(["kcat", "-b", kit.broker().bootstrap, "-C", "-q", "-t", topic, "-o",
                    "beginning", "-c", count]).splitlines()


def rsyslog(scratch):
    root = debian.unpacked("rsyslog", "rsyslog", "rsyslog-kafka", "libestr0", "libfastjson4",
                           "liblognorm5", "librdkafka1")
    (scratch / "work").mkdir()
    lines = [f"line {i}" for i in range(COUNT)]
    (scratch / "in.log").write_text("\n".join(lines) + "\n")
    conf = configured(scratch, "rsyslog.conf", TOPIC=kit.unique("rsyslog"))
    modules = debian.one(root, "usr/lib/*/rsyslog")
    out = scratch / "out.log"

    def arrived():
        return set(out.read_text().splitlines()) if out.exists() else set()

    command = [root / "usr/sbin/rsyslogd", "-n", "-f", conf, "-i", scratch / "pid", "-M", modules]
    with kit.running(command, scratch / "log", env=debian.libraries(root)) as child:
        kit.until("the lines come back", lambda: arrived() >= set(lines), 60, child)
    assert arrived() == set(lines), "other lines than were written"
    return f"{COUNT} lines by omkafka and back by imkafka"


def syslog_ng(scratch):
    kit.need("kcat")
    root = debian.unpacked("syslog-ng", "syslog-ng-core", "syslog-ng-mod-rdkafka", "librdkafka1",
                           "libivykis0", "libpcre3", "libnet1")
    lines, topic = [f"line {i}" for i in range(COUNT)], kit.create(kit.unique("syslog-ng"))
    (scratch / "in.log").write_text("\n".join(lines) + "\n")
    conf = configured(scratch, "syslog-ng.conf", TOPIC=topic)
    modules = debian.one(root, "usr/lib/syslog-ng/3*")
    command = [root / "usr/sbin/syslog-ng", "-F", "-e", "-f", conf, "-R", scratch / "persist",
               f"--control={scratch / 'ctl'}", f"--pidfile={scratch / 'pid'}",
               f"--module-path={modules}"]
    with kit.running(command, scratch / "log", env=debian.libraries(root)):
        got = consumed(topic, COUNT)
    assert sorted(got) == sorted(lines), f"{len(set(got))} of {COUNT}"
    return f"{COUNT} lines, lz4"


def collectd(scratch):
    kit.need("kcat")
    root = debian.unpacked("collectd", "collectd-core", "librdkafka1")
    topic = kit.create(kit.unique("collectd"))
    conf = configured(scratch, "collectd.conf", TOPIC=topic, ROOT=root)
    with kit.running([root / "usr/sbin/collectd", "-f", "-C", conf], scratch / "log",
                     env=debian.libraries(root)):
        got = [json.loads(x) for x in consumed(topic, 3)]
    assert all(x[0]["plugin"] == "load" and x[0]["host"] == "box" for x in got), got
    return "3 measurements as JSON"


def nginx(scratch):
    kit.need("kcat")
    root = debian.unpacked("nginx", "nginx", "nginx-light", "libnginx-mod-http-lua",
                           "libnginx-mod-http-ndk", "lua-nginx-kafka", "lua-resty-core",
                           "lua-resty-lrucache", "libluajit2-5.1-2", "libpcre3")
    topic, port = kit.create(kit.unique("nginx")), servers.free_ports(1)[0]
    conf = configured(scratch, "nginx.conf", TOPIC=topic, ROOT=root, HOST="127.0.0.1",
                      KAFKA=kit.broker().port, PORT=port)
    with kit.running([root / "usr/sbin/nginx", "-c", conf, "-e", scratch / "error.log"],
                     scratch / "log", env=debian.libraries(root)) as child:
        kit.until("nginx listens", lambda: servers.listens(port), 30, child)
        for i in range(20):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/log?k=key{i}", timeout=30) as a:
                assert a.read().strip() == b"sent"
    got = consumed(topic, 20)
    wanted = [f"request /log?k=key{i}" for i in range(20)]
    assert sorted(got) == sorted(wanted), got
    return "20 records of message format 0 by Produce 0"


SCENARIOS = [
    kit.scenario("rsyslog", "omkafka out, imkafka in", rsyslog, version=f"{DEBIAN} 8.2302"),
    kit.scenario("syslog_ng", "kafka-c() destination", syslog_ng, version=f"{DEBIAN} 3.38"),
    kit.scenario("collectd", "write_kafka", collectd, version=f"{DEBIAN} 5.12"),
    kit.scenario("nginx", "lua-nginx-kafka: Metadata 0, Produce 0, format 0", nginx,
                 version=f"{DEBIAN} 0.07"),
]
