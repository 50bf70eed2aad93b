//! Lines that are one sentence and lines that are not, all of our own making.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

use super::drain::{TEMPLATES_MAX, TemplateId, Templates};
use super::mask::tokens;
use crate::core::model::Timestamp;

fn check_mask(text: &str, expected: &str) {
    assert_eq!(tokens(text).join(" "), expected, "{text}");
}

/// Each group of lines is one sentence, and no two groups are the same.
fn check_groups(groups: &[&[&str]]) {
    let mut templates = Templates::default();
    let mut learn = |line: &&str| templates.learn(line, Timestamp::EPOCH).id;
    let ids: Vec<BTreeSet<TemplateId>> = groups.iter().map(|group| group.iter().map(&mut learn).collect()).collect();
    for (group, ids) in groups.iter().zip(&ids) {
        assert_eq!(ids.len(), 1, "one sentence: {group:?}");
    }
    let all: BTreeSet<TemplateId> = ids.iter().flatten().copied().collect();
    assert_eq!(all.len(), groups.len(), "different sentences: {groups:?}");
}

#[test]
fn values_are_known_by_their_form() {
    check_mask("fan 3 at 85.5% and -4", "fan <*> at <*> and <*>");
    check_mask("from 10.1.2.3:514 to 2001:db8::1, mac 00:1b:44:11:3a:b7", "from <*> to <*>, mac <*>");
    check_mask("id 3f2504e0-4f89-11d3-9a0c-0305e82c3301 rev 0x1F", "id <*> rev <*>");
    check_mask("open www.example.com:443 /var/log/x.log https://e.example/x?y=1", "open <*>");
    check_mask("at 2026-02-13 17:00:05.123 done", "at <*> done");
    check_mask("mail from ops@example.com took 12ms, 3 seconds", "mail from <*> took <*>");
    check_mask("interface eth0 of SOCKS5 in SCREEN_ON", "interface eth0 of SOCKS5 in SCREEN_ON");
}

#[test]
fn values_are_known_by_what_stands_before_them() {
    check_mask("user=alice size = big,left='some' x", "user=<*> size = <*>,left='<*>' x");
    check_mask("host 'web1' is \"down\" but \"not a word\"", "host '<*>' is \"<*>\" but \"not a word\"");
    check_mask("stepCount126775 begin:17 action:open", "stepCount<*> begin:<*> action:open");
    check_mask("[req: 77a1b2c3d4] started", "<*> started");
    check_mask("[error] started", "[error] started");
}

#[test]
fn runs_of_values_are_one_value() {
    check_mask("steps=151##7007##5483", "steps=<*>");
    check_mask("totals 5:6:7 8, 9 | 10", "totals <*>");
    check_mask("files: /a/b /c/d /e", "files: <*>");
    check_mask("sent 1190 bytes (1.16 KB), got 3 bytes", "sent <*>, got <*>");
    check_mask("lifetime <1 sec", "lifetime <*>");
}

#[test]
fn chinese_texts_lose_their_numbers_too() {
    check_mask("温度85度,超过阈值60", "温度<*>度,超过阈值<*>");
    check_mask("端口 Gi0/1 状态:down", "端口 Gi0/1 状态:down");
    check_groups(&[&["机房温度 31 度过高", "机房温度 35.5 度过高"], &["机房湿度 31 度过高"]]);
}

#[test]
fn a_sentence_with_other_values_or_subjects_is_the_same_sentence() {
    check_groups(&[
        &["session opened for user alice by root", "session opened for user bob by root"],
        &["session closed for user alice"],
        &["link 7 down, 3 retries", "link 8 down, 11 retries"],
    ]);
}

#[test]
fn lines_whose_values_differ_in_number_are_one_sentence() {
    check_groups(&[
        &["peers = [10.0.0.1, 10.0.0.2]", "peers = [10.0.0.1]"],
        &["sent 12 bytes in 00:01", "sent 2345 bytes (2.29 KB) in <1 sec"],
        &["totals=1##2##3", "totals=1"],
        &["moved /a/b", "moved /a/b /c/d /e/f"],
    ]);
}

#[test]
fn words_of_a_program_tell_sentences_apart() {
    check_groups(&[
        &["10.0.0.1 \"GET /v2/a HTTP/1.1\" status: 200", "10.0.0.2 \"GET /v2/b/c HTTP/1.1\" status: 404"],
        &["10.0.0.1 \"DELETE /v2/a HTTP/1.1\" status: 200"],
        &["tunnel through gate:443 by HTTPS"],
        &["tunnel through gate:443 by SOCKS5"],
        &["on action: app.SCREEN_ON"],
        &["on action: app.SCREEN_OFF"],
    ]);
}

#[test]
fn a_context_before_the_sentence_does_not_hide_it() {
    check_groups(&[
        &["[vm: 3f2504e0-4f89-11d3-9a0c-0305e82c3301] VM Paused (Event)"],
        &["[vm: 3f2504e0-4f89-11d3-9a0c-0305e82c3302] VM Resumed (Event)"],
    ]);
}

#[test]
fn a_template_is_shown_with_what_varies_left_out() {
    let mut templates = Templates::default();
    let mut learn = |line: &str| templates.learn(line, Timestamp::EPOCH);
    let first = learn("session opened for user 王五 by cron");
    assert_eq!(first.text.as_deref(), Some("session opened for user 王五 by cron"));
    let second = learn("session opened for user bob by cron");
    assert_eq!((second.id, second.text.as_deref()), (first.id, Some("session opened for user <*> by cron")));
    let third = learn("session opened for user eve by cron");
    assert_eq!((third.id, third.text), (first.id, None));
    assert_eq!(templates.iter().map(|(_, template)| template.count).collect::<Vec<_>>(), [3]);
}

#[test]
fn the_template_unseen_for_longest_goes_and_keeps_its_name_when_it_returns() {
    let mut templates = Templates::default();
    let word = |n: usize| -> String {
        n.to_string().chars().map(|digit| (b'a' + digit.to_digit(10).unwrap_or(0) as u8) as char).collect()
    };
    let line = |n: usize| {
        let word = word(n + 10_000);
        format!("{word} a{word} b{word} c{word} {}", "again ".repeat(n % 40))
    };
    let first = templates.learn(&line(0), Timestamp::EPOCH).id;
    for n in 1..TEMPLATES_MAX {
        assert_eq!(templates.learn(&line(n), Timestamp::EPOCH).forgotten, None);
    }
    templates.learn(&line(0), Timestamp::EPOCH);
    let learned = templates.learn("one too many for the bound of them all", Timestamp::EPOCH);
    assert_eq!(learned.forgotten.map(|(_, count)| count), Some(1));
    assert_eq!(templates.iter().count(), TEMPLATES_MAX);
    assert_eq!(templates.learn(&line(1), Timestamp::EPOCH).text.map(|text| text.len() > 20), Some(true));
    assert!(templates.iter().any(|(id, template)| id == first && template.count == 2));
}

fn restored(templates: &Templates) -> Templates {
    let bytes = postcard::to_allocvec(templates).unwrap();
    let restored: Templates = postcard::from_bytes(&bytes).unwrap();
    assert_eq!(postcard::to_allocvec(&restored).unwrap(), bytes);
    assert_eq!(&restored, templates);
    restored
}

#[test]
fn ids_depend_on_the_lines_before_and_survive_a_snapshot() {
    let word = || {
        prop::sample::select(vec![
            "link", "down", "user", "alice", "bob", "GET", "PUT", "7", "10.0.0.1", "a=b", "<*>", "端口", "(1 KB)",
            "[x: 1]",
        ])
    };
    let line = prop::collection::vec(word(), 0..7).prop_map(|words| words.join(" "));
    let config = Config { cases: 128, rng_seed: RngSeed::Fixed(9), failure_persistence: None, ..Config::default() };
    proptest!(config, |(lines in prop::collection::vec(line, 1..40), cut in 0_usize..40)| {
        let mut whole = Templates::default();
        let all: Vec<TemplateId> = lines.iter().map(|line| whole.learn(line, Timestamp::EPOCH).id).collect();
        let cut = cut.min(lines.len());
        let mut part = Templates::default();
        let before: Vec<TemplateId> = lines[..cut].iter().map(|line| part.learn(line, Timestamp::EPOCH).id).collect();
        prop_assert_eq!(&before[..], &all[..cut]);
        let mut part = restored(&part);
        let after: Vec<TemplateId> = lines[cut..].iter().map(|line| part.learn(line, Timestamp::EPOCH).id).collect();
        prop_assert_eq!(&after[..], &all[cut..]);
        prop_assert_eq!(&part, &whole);
    });
}

#[test]
fn no_text_is_too_odd() {
    let config = Config { cases: 256, rng_seed: RngSeed::Fixed(9), failure_persistence: None, ..Config::default() };
    proptest!(config, |(text in any::<String>())| {
        let once = tokens(&text);
        prop_assert!(once.len() <= 256);
        Templates::default().learn(&text, Timestamp::EPOCH);
    });
}
