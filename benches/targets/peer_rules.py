#!/usr/bin/env python3
"""Our rule files with what the peers' Alertmanager configuration says: 50 routes, groups by two labels, 20 inhibitions.

peer_rules.py --out DIR --sink http://127.0.0.1:PORT/ [--settle 1s]
"""
import argparse
import os

ROUTES, SERVICES, SITES = 50, 100, 18

parser = argparse.ArgumentParser()
parser.add_argument("--out", required=True)
parser.add_argument("--sink", required=True)
parser.add_argument("--settle", default="1s")
arguments = parser.parse_args()


def rule(name, match):
    lines = ["  - name: %s" % name]
    if match:
        lines.append("    match: %s" % match)
    return lines + ["    by: [alertname, site]", "    settle: %s" % arguments.settle]


lines = ["rules:"]
for route in range(ROUTES):
    services = "|".join("%03d" % ((2 * route + n) % SERVICES) for n in range(4))
    env = "prod" if route % 5 else "test"
    lines += rule("route-%02d" % route, "['service=~\"svc-(%s)\"', 'env=\"%s\"']" % (services, env))
lines += rule("root", None)

lines.append("inhibitions:")
for source, target in (("critical", "warning|info"), ("warning", "info")):
    lines += [
        "  - name: %s over %s" % (source, target.replace("|", " and ")),
        "    source: ['severity=\"%s\"']" % source,
        "    target: ['severity=~\"%s\"']" % target,
        "    equal: [instance, alertname]",
    ]
for site in range(SITES):
    lines += [
        "  - name: site-%02d down" % site,
        "    source: ['alertname=\"SiteDown\"', 'site=\"site-%02d\"']" % site,
        "    target: ['site=\"site-%02d\"']" % site,
        "    equal: [site]",
    ]

lines += [
    "tiers:",
    "  - name: default",
    "    steps: [{tier: 1, team: sink, respond_by: 4h, page_every: 4h}]",
    "teams:",
    "  - name: sink",
    "    notify: [{webhook: {url: \"%s\"}}]" % arguments.sink,
    "sources:",
    "  - name: bench",
    "    mqtt: {topics: [\"alerts/{site}/{service}\"]}",
    "    status: [\"'firing'\"]",
    "    statuses: {firing: firing}",
    "    labels_from: item.labels",
    "    summary: item.annotations.summary",
    "    annotations: {description: item.annotations.description}",
]
os.makedirs(arguments.out, exist_ok=True)
with open(os.path.join(arguments.out, "peers.yaml"), "w") as file:
    file.write("\n".join(lines) + "\n")
