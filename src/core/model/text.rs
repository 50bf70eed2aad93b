//! Text for a single line: titles, cells of tables, lines of printed sheets. Its content came from outside.

use std::borrow::Cow;

/// The text with a space for every character that would begin a new line, command a terminal, or turn the direction of
/// the text.
pub fn one_line(text: &str) -> Cow<'_, str> {
    if !text.contains(is_command) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("\r\n", " ").replace(is_command, " "))
}

fn is_command(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_commands_a_terminal_is_a_space_and_the_rest_stays() {
        let check = |text: &str, expected: &str| assert_eq!(one_line(text), expected, "{text:?}");
        check("珠海 链路中断 “主用” – é", "珠海 链路中断 “主用” – é");
        check("\u{1b}[2J断\r\n负责人：无\u{202e}", " [2J断 负责人：无 ");
        check("a\tb\0c\u{9b}d\u{2028}e", "a b c d e");
    }
}
