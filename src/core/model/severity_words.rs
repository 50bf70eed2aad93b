//! The words that tools and people use for a severity, in English and Chinese, as numbers and as grades.

use super::Severity;

/// Words of one meaning, in lower case.
const WORDS: [(Severity, &[&str]); 6] = [
    (
        Severity::Critical,
        &[
            "critical",
            "crit",
            "disaster",
            "emergency",
            "emerg",
            "fatal",
            "page",
            "down",
            "panic",
            "blocker",
            "severe",
            "紧急",
            "緊急",
            "致命",
            "灾难",
            "灾难性",
            "特急",
            "特别重大",
            "一级",
            "危急",
        ],
    ),
    (
        Severity::Major,
        &[
            "major",
            "high",
            "error",
            "err",
            "alert",
            "failure",
            "failed",
            "alarm",
            "urgent",
            "unreachable",
            "严重",
            "嚴重",
            "重要",
            "主要",
            "重大",
            "高",
            "高危",
            "二级",
            "错误",
            "故障",
        ],
    ),
    (
        Severity::Minor,
        &[
            "minor",
            "average",
            "medium",
            "moderate",
            "次要",
            "一般",
            "一般严重",
            "普通",
            "中",
            "中等",
            "中危",
            "较大",
            "三级",
        ],
    ),
    (
        Severity::Warning,
        &["warning", "warn", "low", "degraded", "警告", "预警", "告警", "注意", "低", "低危", "轻微", "四级"],
    ),
    (
        Severity::Indeterminate,
        &[
            "indeterminate",
            "unknown",
            "info",
            "information",
            "informational",
            "notice",
            "none",
            "not classified",
            "not_classified",
            "debug",
            "trace",
            "harmless",
            "verbose",
            "提示",
            "信息",
            "通知",
            "通告",
            "未知",
            "未分类",
            "不确定",
            "调试",
            "五级",
        ],
    ),
    (
        Severity::Cleared,
        &[
            "cleared",
            "clear",
            "ok",
            "okay",
            "normal",
            "up",
            "resolved",
            "recovery",
            "recovered",
            "closed",
            "恢复",
            "已恢复",
            "正常",
            "清除",
            "已清除",
            "消除",
            "解除",
            "已解除",
        ],
    ),
];

/// What stands before the number of a grade: `P1`, `sev-2`, `Priority 3`.
const GRADE_PREFIXES: [&str; 6] = ["severity", "priority", "sev", "prio", "p", "s"];

impl Severity {
    /// The severity of the words that tools use for it, in any case; `None` for an unknown word.
    pub fn from_tool_word(word: &str) -> Option<Severity> {
        meaning(word)
    }
}

/// The severity behind such a word, in any case; `None` for a word nobody knows. A grade counts down from 1, the worst
/// (0 is as bad); so does a number alone. Of a word and its translation or number (`1 - Critical`, `P2/重要`) the word counts.
pub(super) fn meaning(word: &str) -> Option<Severity> {
    let word = word.trim();
    if word.is_empty() || word.len() > 64 {
        return None;
    }
    let is_lower = !word.chars().any(char::is_uppercase);
    if is_lower { lower_case(word) } else { lower_case(&word.to_lowercase()) }
}

fn lower_case(word: &str) -> Option<Severity> {
    one_word(word).or_else(|| {
        let (before, after) = word.split_once([' ', '-', '/', ':', '(', '_'])?;
        let after = after.trim_matches([' ', '-', '/', ':', '(', ')', '_']);
        one_word(after).or_else(|| one_word(before.trim()))
    })
}

fn one_word(word: &str) -> Option<Severity> {
    let listed = |word: &str| WORDS.iter().find(|(_, words)| words.contains(&word)).map(|(severity, _)| *severity);
    listed(word)
        .or_else(|| listed(word.strip_suffix("告警").or_else(|| word.strip_suffix('级'))?))
        .or_else(|| grade(word))
}

fn grade(word: &str) -> Option<Severity> {
    let (prefix, number) = word.split_at(word.find(|c: char| c.is_ascii_digit())?);
    let prefix = prefix.trim_end_matches([' ', '-', '_', ':']);
    let is_grade = GRADE_PREFIXES.contains(&prefix);
    match number {
        "0" if is_grade => Some(Severity::Critical),
        "1" if is_grade || prefix.is_empty() => Some(Severity::Critical),
        "2" if is_grade || prefix.is_empty() => Some(Severity::Major),
        "3" if is_grade || prefix.is_empty() => Some(Severity::Minor),
        "4" if is_grade || prefix.is_empty() => Some(Severity::Warning),
        "5" if is_grade || prefix.is_empty() => Some(Severity::Indeterminate),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_tools_and_people_have_their_meaning() {
        let check = |severity: Option<Severity>, words: &[&str]| {
            for word in words {
                assert_eq!(meaning(word), severity, "{word:?}");
            }
        };
        check(
            Some(Severity::Critical),
            &["CRITICAL", "紧急", "P1", "sev1", "SEV-1", "Sev 0", "1", "P1-紧急", "1 - Critical"],
        );
        check(
            Some(Severity::Major),
            &["严重", "严重告警", "High", "P2", "Severity 2", "2", "重要", "priority: 2", " error "],
        );
        check(Some(Severity::Minor), &["次要", "一般", "Average", "sev3", "3", "一般严重", "P3 (medium)"]);
        check(Some(Severity::Warning), &["警告", "warn", "P4", "s4", "4", "预警"]);
        check(Some(Severity::Indeterminate), &["提示", "Informational", "not classified", "P5", "sev5", "5"]);
        check(Some(Severity::Cleared), &["OK", "恢复", "正常", "Recovered"]);
        check(None, &["", "purple", "0", "6", "17", "p9", "很坏", "sev", "1.5", "warningish"]);
    }
}
