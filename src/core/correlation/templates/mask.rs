//! Values of a text recognised by their form: numbers, addresses, identifiers, paths, the value after `key=`.
//!
//! A text is split into words and separators; each word is classified alone, then by its neighbours. No backtracking:
//! the work is linear in the text.

/// Placeholder of a value.
pub(super) const WILDCARD: &str = "<*>";

/// Words that belong to the number before them, in lower case.
const UNITS: [&str; 32] = [
    "%", "b", "bit", "bits", "byte", "bytes", "d", "day", "days", "gb", "gib", "h", "hour", "hours", "kb", "kib", "m",
    "mb", "mib", "min", "mins", "minute", "minutes", "ms", "ns", "s", "sec", "second", "seconds", "secs", "tb", "us",
];
/// Maximum number of words of a bracketed prefix that is still a context and no sentence.
const CONTEXT_MAX: usize = 3;
/// A number of that many digits directly after letters is a value and no part of a name.
const GLUED_DIGITS_MIN: usize = 3;
/// Limits on the text: bytes examined, and words produced.
const TEXT_MAX_BYTES: usize = 4096;
const TOKENS_MAX: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'a> {
    Word(&'a str),
    /// A word with a value at its end: the part before the value.
    Prefixed(&'a str),
    Value,
    Separator(char),
    Space,
}

/// The words of a text with its values masked; equal sentences with other values give equal words.
pub(super) fn tokens(text: &str) -> Vec<String> {
    let text = &text[..text.floor_char_boundary(TEXT_MAX_BYTES)];
    let mut pieces = pieces(text);
    mask_assigned(&mut pieces);
    let pieces = without_context(&pieces);
    let pieces = joined(&without_asides(&with_units(&pieces)));
    let mut out = String::with_capacity(text.len());
    for piece in &pieces {
        match piece {
            Piece::Word(word) => push_word(&mut out, word),
            Piece::Prefixed(word) => {
                out.push_str(word);
                out.push_str(WILDCARD);
            }
            Piece::Value => out.push_str(WILDCARD),
            Piece::Separator(c) => out.push(*c),
            Piece::Space => out.push(' '),
        }
    }
    out.split_ascii_whitespace().take(TOKENS_MAX).map(str::to_owned).collect()
}

fn is_separator(c: char) -> bool {
    "=,;|\"'()[]{}<>（）【】，；：。“”".contains(c)
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text.trim();
    while let Some(c) = rest.chars().next() {
        if c.is_whitespace() {
            rest = rest.trim_start();
            pieces.push(Piece::Space);
        } else if is_separator(c) {
            rest = &rest[c.len_utf8()..];
            pieces.push(Piece::Separator(c));
        } else {
            let end = end_of_word(rest);
            judge(&rest[..end], &mut pieces);
            rest = &rest[end..];
        }
    }
    pieces
}

/// Addresses and paths go on over what separates other words.
fn end_of_word(rest: &str) -> usize {
    let until = |ends: fn(char) -> bool| rest.find(|c: char| c.is_whitespace() || ends(c)).unwrap_or(rest.len());
    let end = until(is_separator);
    let is_place = rest.starts_with('/') || rest[..end].contains("://");
    if is_place { until(|c| is_separator(c) && !"=;|".contains(c)) } else { end }
}

/// Classifies one word: a value, a name with a value after a colon, or itself; its final full stop is separate.
fn judge<'a>(word: &'a str, pieces: &mut Vec<Piece<'a>>) {
    let core = word.trim_end_matches(['.', ':', '!', '?', '。']);
    let tail = &word[core.len()..];
    if is_value(core) {
        pieces.push(Piece::Value);
    } else if let Some((name, _)) = core.split_once(':').filter(|(_, value)| is_value(value)) {
        pieces.push(Piece::Prefixed(&core[..=name.len()]));
    } else if let Some(digits) = glued_digits(core) {
        pieces.push(Piece::Prefixed(&core[..digits]));
    } else if !core.is_empty() {
        pieces.push(Piece::Word(core));
    }
    pieces.extend(tail.chars().map(Piece::Separator));
}

/// Start of the digits at the end of a name, if they are many.
fn glued_digits(word: &str) -> Option<usize> {
    let name = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_named = name.ends_with(|c: char| c.is_ascii_alphabetic());
    (is_named && word.len() - name.len() >= GLUED_DIGITS_MIN).then_some(name.len())
}

fn is_value(word: &str) -> bool {
    let has_digit = word.contains(|c: char| c.is_ascii_digit());
    let is_plain = !word.contains(char::is_alphabetic);
    (has_digit && is_plain)
        || word.starts_with('/') && word.len() > 1
        || word.contains("://")
        || is_hex(word)
        || is_measure(word)
        || is_address(word)
}

/// `0x1f`, a UUID, a digest, a MAC or IPv6 address.
fn is_hex(word: &str) -> bool {
    let bare = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if let Some(bare) = bare {
        return is_digits(bare);
    }
    let digits = word.bytes().filter(u8::is_ascii_hexdigit).count();
    let joints = word.bytes().filter(|byte| b":-.".contains(byte)).count();
    let has_number = word.contains(|c: char| c.is_ascii_digit());
    digits + joints == word.len() && has_number && digits >= 8 || word.contains("::") && digits + joints == word.len()
}

/// `10ms`, `5.2GB`, `80%`
fn is_measure(word: &str) -> bool {
    let unit = word.trim_start_matches(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    let number = &word[..word.len() - unit.len()];
    number.contains(|c: char| c.is_ascii_digit()) && is_unit(unit)
}

fn is_unit(word: &str) -> bool {
    word.len() <= 7 && UNITS.binary_search(&word.to_ascii_lowercase().as_str()).is_ok()
}

/// `host.example.com:443`, `somebody@example.com`
fn is_address(word: &str) -> bool {
    let with_port = word.rsplit_once(':').is_some_and(|(host, port)| {
        host.contains('.') && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
    });
    with_port || word.split_once('@').is_some_and(|(who, host)| !who.is_empty() && host.contains('.'))
}

/// The text after `key=`, and a single word in quotes, is a value whatever its form.
fn mask_assigned(pieces: &mut [Piece<'_>]) {
    for at in 1..pieces.len() {
        let is_assigned =
            pieces[at] == Piece::Separator('=') && matches!(pieces[at - 1], Piece::Word(_) | Piece::Space);
        if is_assigned {
            let next = if pieces.get(at + 1) == Some(&Piece::Space) { at + 2 } else { at + 1 };
            if let Some(value @ (Piece::Word(_) | Piece::Prefixed(_))) = pieces.get_mut(next) {
                *value = Piece::Value;
            }
        }
        let quote = pieces[at - 1];
        let is_quoted =
            (quote == Piece::Separator('"') || quote == Piece::Separator('\'')) && pieces.get(at + 1) == Some(&quote);
        if is_quoted && matches!(pieces[at], Piece::Word(_) | Piece::Prefixed(_)) {
            pieces[at] = Piece::Value;
        }
    }
}

/// Keeps only the value of a bracketed prefix that contains one (`[instance: 4f…]`).
fn without_context<'a>(pieces: &[Piece<'a>]) -> Vec<Piece<'a>> {
    let end = pieces.iter().position(|piece| *piece == Piece::Separator(']'));
    if let (Some(Piece::Separator('[')), Some(end)) = (pieces.first(), end) {
        let inside = &pieces[1..end];
        let words = inside.iter().filter(|piece| matches!(piece, Piece::Word(_) | Piece::Prefixed(_))).count();
        let has_value = inside.iter().any(|piece| matches!(piece, Piece::Value | Piece::Prefixed(_)));
        if has_value && words < CONTEXT_MAX && end + 1 < pieces.len() {
            let mut kept = vec![Piece::Value, Piece::Space];
            kept.extend_from_slice(&pieces[end + 1..]);
            return kept;
        }
    }
    pieces.to_vec()
}

/// A number takes the unit behind it and the sign before it.
fn with_units<'a>(pieces: &[Piece<'a>]) -> Vec<Piece<'a>> {
    let mut kept: Vec<Piece<'a>> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match (piece, kept.as_slice()) {
            (Piece::Word(unit), [.., Piece::Value, Piece::Space]) if is_unit(unit) => {
                kept.pop();
            }
            (Piece::Value, [.., Piece::Separator('<' | '>')]) => {
                kept.pop();
                kept.push(Piece::Value);
            }
            _ => kept.push(*piece),
        }
    }
    kept
}

/// Drops round brackets with nothing but values, because they repeat a value in another unit: `1190 bytes (1.16 KB)`.
fn without_asides<'a>(pieces: &[Piece<'a>]) -> Vec<Piece<'a>> {
    let mut kept: Vec<Piece<'a>> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        kept.push(*piece);
        if *piece != Piece::Separator(')') {
            continue;
        }
        let Some(open) = kept.iter().rposition(|piece| *piece == Piece::Separator('(')) else { continue };
        let inside = &kept[open + 1..kept.len() - 1];
        let is_aside = inside.contains(&Piece::Value)
            && inside.iter().all(|piece| matches!(piece, Piece::Value | Piece::Space | Piece::Separator(',')));
        if is_aside && open > 0 && kept[open - 1] == Piece::Space {
            kept.truncate(open - 1);
        }
    }
    kept
}

/// Joins values with only separators between them.
fn joined<'a>(pieces: &[Piece<'a>]) -> Vec<Piece<'a>> {
    let mut kept: Vec<Piece<'a>> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        if *piece == Piece::Value {
            let is_between =
                |piece: &&Piece<'_>| matches!(piece, Piece::Space | Piece::Separator(',' | ';' | '|' | ':'));
            let between = kept.iter().rev().take_while(is_between).count();
            let before = kept.len().checked_sub(between + 1).map(|at| kept[at]);
            if matches!(before, Some(Piece::Value | Piece::Prefixed(_))) {
                kept.truncate(kept.len() - between);
                continue;
            }
        }
        kept.push(*piece);
    }
    kept
}

/// In a script without spaces, numbers directly follow words.
fn push_word(out: &mut String, word: &str) {
    if word.is_ascii() {
        return out.push_str(word);
    }
    let mut rest = word;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, number) = rest.split_at(start);
        let end = number.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(number.len());
        out.push_str(before);
        let is_named = before.ends_with(|c: char| c.is_ascii_alphabetic())
            || number[end..].starts_with(|c: char| c.is_ascii_alphabetic());
        out.push_str(if is_named { &number[..end] } else { WILDCARD });
        rest = &number[end..];
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    #[test]
    fn units_can_be_searched() {
        assert!(super::UNITS.is_sorted());
    }
}
