//! Enrichment: facts from inventory, names, texts and tables; their use in rules; the effects of a reload.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

use super::{MODES, World, check_only, language, run};
use crate::core::correlation::Output;
use crate::core::model::{Cause, Offset, Partition, Timestamp};

const SAID: &str = "raised joined left cleared retired held dropped";

const ESTATE: &str = r#"--- a.yaml
inventory:
  items:
    - {name: sw3, class: switch, site: GZ01, owner: 网络组, aliases: [10.0.0.3], facts: {rack: R7}}
    - {name: sw4, class: switch, site: GZ01, owner: 网络组}
  tables:
    - {name: rooms, file: rooms.csv, key: [room]}
    - {name: sites, file: sites.csv, key: [fact.site]}
rules:
  - {name: rack, match: 'fact.rack="R7"', by: [fact.rack], continue: true}
  - {name: city, match: 'fact.city=~"广州|深圳"', by: [fact.city]}
  - {name: floor, when: "has(facts.floor) && int(facts.floor) > 2", by: [room]}
--- rooms.csv
room,floor
机房A,3
机房B,1
--- sites.csv
site,city
GZ01,广州
SZ02,深圳"#;

#[test]
fn rules_match_on_facts_and_make_keys_of_them() {
    check_only(
        SAID,
        &[ESTATE],
        "0s firing LinkDown device=sw3
         1s firing LinkDown instance=10.0.0.3:9100
         2s firing LinkDown device=sw4
         3s firing Hot room=机房A
         4s firing Hot room=机房B
         5s firing LinkDown device=sw9
         6s resolved LinkDown device=sw4
         7s point Trap device=sw3",
        "0s raised rack{fact.rack=R7} indeterminate 1 alerts 1 events
         0s raised city{fact.city=广州} indeterminate 1 alerts 1 events with rack{fact.rack=R7}: both are of sw3, 0s apart
         1s joined rack{fact.rack=R7} LinkDown,instance=10.0.0.3:9100 indeterminate
         1s joined city{fact.city=广州} LinkDown,instance=10.0.0.3:9100 indeterminate
         2s joined city{fact.city=广州} LinkDown,device=sw4 indeterminate
         3s raised floor{room=机房A} indeterminate 1 alerts 1 events
         4s raised catch-all{Hot,source=native} indeterminate 1 alerts 1 events
         5s raised catch-all{LinkDown,source=native} indeterminate 1 alerts 1 events
         6s left city{fact.city=广州} LinkDown,device=sw4
         7s raised rack{fact.rack=R7} indeterminate 2 alerts 1 events
         7s raised city{fact.city=广州} indeterminate 2 alerts 1 events",
    );
}

#[test]
fn an_inhibition_matches_and_compares_facts() {
    let rules = r#"--- a.yaml
inventory:
  items:
    - {name: ups1, class: power, site: GZ01}
    - {name: sw3, class: switch, site: GZ01}
    - {name: sw5, class: switch, site: SZ02}
inhibitions:
  - {source: 'fact.class="power"', target: 'fact.class="switch"', equal: [fact.site]}
rules:
  - {name: all, by: [device]}"#;
    check_only(
        SAID,
        &[rules],
        "0s firing Dark device=ups1
         1s firing LinkDown device=sw3
         2s firing LinkDown device=sw5
         3s resolved Dark device=ups1",
        "0s raised all{device=ups1} indeterminate 1 alerts 1 events
         2s raised all{device=sw5} indeterminate 1 alerts 1 events
         3s raised all{device=sw3} indeterminate 1 alerts 1 events
         3s left all{device=ups1} Dark,device=ups1
         3s cleared all{device=ups1}",
    );
}

#[test]
fn a_changed_inventory_routes_firing_alerts_anew() {
    let moved = ESTATE.replace("site: GZ01, owner: 网络组}", "site: SZ02, owner: 网络组}");
    check_only(
        SAID,
        &[ESTATE, &moved],
        "0s firing LinkDown device=sw3
         1s firing LinkDown device=sw4
         2s rules 1
         3s resolved LinkDown device=sw4",
        "0s raised rack{fact.rack=R7} indeterminate 1 alerts 1 events
         0s raised city{fact.city=广州} indeterminate 1 alerts 1 events with rack{fact.rack=R7}: both are of sw3, 0s apart
         1s joined city{fact.city=广州} LinkDown,device=sw4 indeterminate
         2s left city{fact.city=广州} LinkDown,device=sw4
         2s raised city{fact.city=深圳} indeterminate 1 alerts 1 events with city{fact.city=广州}: both are of sw4, 0s apart
         3s left city{fact.city=深圳} LinkDown,device=sw4
         3s cleared city{fact.city=深圳}",
    );
}

#[test]
fn captures_of_a_text_are_facts() {
    let rules = r#"--- a.yaml
extract:
  - {name: interface, match: '@source="trap"', from: summary, regex: '(?P<interface>\S+) changed state to (?P<state>up|down)'}
rules:
  - {name: down, match: 'fact.state="down"', by: [fact.interface], pattern: {pair: {until: 'fact.state="up"'}}}"#;
    check_only(
        SAID,
        &[rules],
        "0s point Log !summary=端口Gi0/1~changed~state~to~down
         1s point Log !summary=端口Gi0/2~changed~state~to~up
         2s point Log !summary=nothing
         3s point Log !summary=端口Gi0/1~changed~state~to~up",
        "0s raised down{fact.interface=端口Gi0/1} indeterminate 0 alerts 1 events
         3s cleared down{fact.interface=端口Gi0/1}",
    );
}

#[test]
fn words_of_a_source_become_severities_where_it_does_not_say() {
    let rules = r#"--- a.yaml
severities:
  - {match: 'vendor="acme"', words: {紫色: critical, "2": minor}}
  - {from: labels.grade, words: {A: major}}
rules:
  - {name: bad, match: '@severity=~"critical|major|minor"', by: [alertname]}"#;
    check_only(
        SAID,
        &[rules],
        "0s firing A vendor=acme severity=紫色
         1s firing B vendor=acme severity=2
         2s firing C vendor=other severity=紫色
         3s firing D grade=a
         4s firing E grade=A !severity=warning
         5s firing F severity=major",
        "0s raised bad{A} critical 1 alerts 1 events
         1s raised bad{B} minor 1 alerts 1 events
         2s raised bad{C} minor 1 alerts 1 events
         3s raised bad{D} major 1 alerts 1 events
         4s raised catch-all{E,source=native} warning 1 alerts 1 events
         5s raised bad{F} major 1 alerts 1 events",
    );
}

const NAMING: &str = r#"--- a.yaml
inventory:
  items: [{name: 老交换机, site: GZ09}]
  naming:
    - {label: device, pattern: '(?P<site>[A-Z]{2}\d{2})-(?P<kind>SW|RT)-\d+'}
    - {label: device, pattern: 'VM(?P<n>\d+)', match: 'alertname!="LinkDown"'}
rules:
  - {name: misnamed, match: 'fact.naming="bad"', by: [device]}
  - {name: site, match: 'fact.site!=""', by: [fact.site]}"#;

#[test]
fn a_name_that_breaks_the_standard_is_quarantined_and_its_event_taken() {
    check_only(
        "raised joined quarantined",
        &[NAMING],
        "0s firing LinkDown device=GZ01-SW-1
         1s firing LinkDown device=VM7
         2s firing Slow device=VM7
         3s firing Slow device=老交换机
         4s firing Slow host=anything
         5s resolved LinkDown device=VM7
         6s firing LinkDown device=VM7",
        "0s raised site{fact.site=GZ01} indeterminate 1 alerts 1 events
         1s quarantined VM7
         1s raised misnamed{device=VM7} indeterminate 1 alerts 1 events
         2s raised catch-all{Slow,source=native} indeterminate 1 alerts 1 events
         3s quarantined 老交换机
         3s raised misnamed{device=老交换机} indeterminate 1 alerts 1 events
         4s joined catch-all{Slow,source=native} Slow,host=anything indeterminate
         6s quarantined VM7
         6s raised misnamed{device=VM7} indeterminate 1 alerts 1 events",
    );
}

#[test]
fn a_template_stands_for_all_lines_of_one_sentence() {
    let rules = "--- a.yaml
templates: [{match: '@status=\"point\"', from: summary}]
rules:
  - {name: often, match: 'fact.template!=\"\"', by: [fact.template], pattern: {threshold: {count: 2, within: 1m}}}";
    check_only(
        "raised template",
        &[rules],
        "0s point Log !summary=fan~3~failed
         1s point Log !summary=user~王五~logged~in
         2s point Log !summary=fan~12~failed
         3s firing Log !summary=fan~1~failed
         4s point Log",
        "0s template t-394da2b670b11aa3 fan <*> failed
         1s template t-e73adf20a22951cb user 王五 logged in
         2s template t-394da2b670b11aa3 again
         2s raised often{fact.template=t-394da2b670b11aa3} indeterminate 0 alerts 2 events
         3s raised catch-all{Log,source=native} indeterminate 1 alerts 1 events",
    );
}

#[test]
fn titles_show_facts() {
    let rules = "--- a.yaml
inventory: {items: [{name: sw3, owner: 网络组}]}
rules: [{name: r, match: device!=\"\", by: device, title: '{device} of {fact.owner}, {fact.nothing}'}]";
    let mut correlator = crate::core::correlation::Correlator::new(language::rulebook(rules));
    let mut out = Vec::new();
    for step in language::scenario("0s firing LinkDown device=sw3") {
        let language::Verb::Event(event) = step.verb else { continue };
        let cause = Cause { partition: Partition::DEFAULT, offset: Offset(1), n: 0 };
        correlator.event(step.at, cause, &event, &mut out);
    }
    let title = out.iter().find_map(|output| match output {
        Output::Decision(decision) => match &decision.verdict {
            crate::core::correlation::Verdict::Raised(raised) => Some(raised.title.clone()),
            _ => None,
        },
        _ => None,
    });
    assert_eq!(title.as_deref(), Some("sw3 of 网络组, ?"));
    let facts = correlator.alerts().next().unwrap().facts;
    assert_eq!((facts.get("ci"), facts.get("owner")), (Some("sw3"), Some("网络组")));
}

#[test]
fn the_quarantine_is_bounded_and_says_what_it_drops() {
    let mut world = World::new(language::rulebook(NAMING), MODES[0]);
    for n in 0..=crate::core::correlation::QUARANTINE_MAX {
        for step in language::scenario(&format!("{n}s point Trap device=坏{n}")) {
            world.step(&step, &[]);
        }
    }
    assert!(world.said.iter().any(|line| line.ends_with("count bound Quarantine")));
    assert!(world.said.iter().any(|line| line.ends_with("unquarantined 坏0")));
    let kept: Vec<_> = world.correlator.quarantined().collect();
    assert_eq!(kept.len(), crate::core::correlation::QUARANTINE_MAX);
    assert!(kept.iter().all(|one| one.count == 1 && one.first_at > Timestamp::EPOCH && one.name != "坏0"));
}

#[test]
fn facts_are_the_same_in_every_mode_and_break_no_invariant() {
    let all = |site: &str| {
        format!(
            r#"--- a.yaml
inventory:
  items:
    - {{name: sw1, site: {site}, facts: {{rack: R1}}}}
    - {{name: GZ-2, site: SZ02}}
  tables: [{{name: t, file: t.csv, key: [fact.site]}}]
  naming: [{{label: device, pattern: '(?P<kind>[A-Z]+)-\d'}}]
extract: [{{name: x, from: summary, regex: 'port (?P<port>\d+)'}}]
templates: [{{from: summary}}]
inhibitions: [{{source: 'fact.city="C1"', target: 'alertname="B"', equal: [fact.rack]}}]
rules:
  - {{name: port, match: 'fact.port!=""', by: [fact.port], continue: true}}
  - {{name: text, match: ['@status="point"', 'fact.template!=""'], by: [fact.template], pattern: {{threshold: {{count: 2, within: 20s}}}}}}
  - {{name: city, match: 'fact.city=~"C1|C2"', by: [fact.city, fact.naming]}}
--- t.csv
site,city
GZ01,C1
SZ02,C2"#
        )
    };
    let rulebooks = [all("GZ01"), all("SZ02"), all("XX")];
    let rulebooks: Vec<&str> = rulebooks.iter().map(String::as_str).collect();
    let line = (
        prop::sample::select(vec!["firing", "firing", "resolved", "point", "rules"]),
        prop::sample::select(vec!["A", "B"]),
        prop::sample::select(vec![" device=sw1", " device=GZ-2", " device=坏", ""]),
        prop::sample::select(vec!["", " !summary=port~1~down", " !summary=port~2~is~down", " !summary=用户~a~登录"]),
        0_usize..3,
        0_u64..30,
    );
    let line = line.prop_map(|(verb, name, device, summary, rules, gap)| match verb {
        "rules" => (gap, format!("rules {rules}")),
        verb => (gap, format!("{verb} {name}{device}{summary}")),
    });
    let config = Config { cases: 32, rng_seed: RngSeed::Fixed(7), failure_persistence: None, ..Config::default() };
    proptest!(config, |(lines in prop::collection::vec(line, 1..40))| {
        let (mut now, mut scenario) = (0, String::new());
        for (gap, line) in lines {
            now += gap;
            scenario.push_str(&format!("{now}s {line}\n"));
        }
        let plain = run(&rulebooks, &scenario, MODES[0]);
        for mode in &MODES[1..] {
            let other = run(&rulebooks, &scenario, *mode);
            prop_assert_eq!(&other.0, &plain.0, "{:?} says other things after\n{}", mode, scenario);
            prop_assert!(other.1 == plain.1, "{:?} ends in other bytes after\n{}", mode, scenario);
        }
    });
}
