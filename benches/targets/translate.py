#!/usr/bin/env python3
"""Neutral label-matcher rules (rules_R.json of the shared harness) as a watchfire rule file.

  translate.py rules_1000.json > rules/rules.yaml

The stream is log lines to watchfire: replayed with --points, so that, as for a line-oriented correlator, only the rules
keep anything. A pair_window is counted when it recovers, so it is a pair whose end counts.
"""
import json
import sys


def matcher(name, demand):
    operator, value = ("=~", demand["re"]) if "re" in demand else ("=", demand["eq"])
    return name + operator + json.dumps(value)


def matchers(demands):
    return json.dumps([matcher(name, demand) for name, demand in sorted(demands.items())])


def entry(rule, name, fits, *more):
    lines = ["- name: " + json.dumps(name), "  match: " + json.dumps(['@status="point"'] + json.loads(matchers(fits)))]
    lines += ["  by: " + json.dumps(rule["key"]), "  incident: false"]
    return "\n".join(lines + ["  " + line for line in more]) + "\n"


def translated(rule):
    kind, within = rule["kind"], "%ds" % rule["window_s"]
    name = "%s %s" % (kind, rule["id"])
    if kind == "suppress":
        yield entry(rule, name, rule["match"], "pattern: {suppress: {within: %s}}" % within)
    elif kind in ("pair", "pair_window"):
        until = matchers(rule["until"])
        yield entry(rule, name, rule["match"], "pattern: {pair: {until: %s, within: %s}}" % (until, within))
    elif kind == "threshold":
        pattern = "{threshold: {count: %d, within: %s}}" % (rule["threshold"], within)
        yield entry(rule, name, rule["match"], "pattern: " + pattern)
    elif kind == "group":
        classes = ", ".join("{match: %s}" % matchers(one) for one in rule["all_of"])
        shared = {name: demand for name, demand in rule["all_of"][0].items() if name != "status"}
        yield entry(rule, name, shared, "pattern: {group: {all: [%s], within: %s}}" % (classes, within), "quiet: " + within)
    elif kind == "context":
        mode = "%s_{%s}" % (rule["id"], rule["key"][0])
        yield entry(rule, name, rule["match"], "context: '!%s'" % mode, "contexts: [{set: '%s', for: %s}]" % (mode, within))
        yield entry(rule, "%s end" % name, rule["clear_on"], "contexts: [{unset: '%s'}]" % mode)
    else:
        sys.exit("unknown kind of rule: " + kind)


def main():
    with open(sys.argv[1]) as file:
        rules = json.load(file)
    print("rules:")
    for rule in rules:
        sys.stdout.write("".join(translated(rule)))


main()
