//! Titles of incidents: text with places that the event fills, `{device} at {site}: {count} flaps`.

/// The place that holds how many events counted.
pub const COUNT_PLACE: &str = "count";

/// Fills the places of a title by name. `{{` and `}}` stand for the braces themselves. A brace that opens no place (a
/// loaded rulebook holds none) stays as it is.
pub fn fill_title<'v>(title: &str, mut value: impl FnMut(&str) -> std::borrow::Cow<'v, str>) -> String {
    let mut filled = String::with_capacity(title.len() + 32);
    for piece in pieces(title) {
        match piece {
            Ok(Piece::Text(text)) => filled.push_str(text),
            Ok(Piece::Place(name)) => filled.push_str(&value(name)),
            Err(at) => filled.push_str(&title[at..]),
        }
    }
    filled
}

/// The byte where a title is not well-formed.
pub(super) fn check_title(title: &str) -> Result<(), usize> {
    pieces(title).try_for_each(|piece| piece.map(|_| ()))
}

enum Piece<'t> {
    Text(&'t str),
    Place(&'t str),
}

/// The pieces in order; an error is the last.
fn pieces(title: &str) -> impl Iterator<Item = Result<Piece<'_>, usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = title.get(at..).filter(|rest| !rest.is_empty())?;
        let start = at;
        let (piece, length) = if rest.starts_with("{{") || rest.starts_with("}}") {
            (Piece::Text(&rest[..1]), 2)
        } else if let Some(inside) = rest.strip_prefix('{') {
            match inside.find(['{', '}']) {
                Some(end) if inside[end..].starts_with('}') && !inside[..end].trim().is_empty() => {
                    (Piece::Place(inside[..end].trim()), end + 2)
                }
                Some(_) | None => {
                    at = title.len();
                    return Some(Err(start));
                }
            }
        } else if rest.starts_with('}') {
            at = title.len();
            return Some(Err(start));
        } else {
            let end = rest.find(['{', '}']).unwrap_or(rest.len());
            (Piece::Text(&rest[..end]), end)
        };
        at += length;
        Some(Ok(piece))
    })
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{check_title, fill_title};

    #[test]
    fn places_are_filled_and_doubled_braces_are_braces() {
        let check = |title: &str, expected: &str| {
            let filled = fill_title(title, |name| match name {
                "site" => Cow::Borrowed("广州"),
                "count" => Cow::Owned(5.to_string()),
                _ => Cow::Borrowed(""),
            });
            assert_eq!(filled, expected);
            assert_eq!(check_title(title), Ok(()), "{title}");
        };
        check("链路中断 {site}: {count} 次", "链路中断 广州: 5 次");
        check("{{site}} {site}{site} { site }", "{site} 广州广州 广州");
        check("{unknown}!", "!");
        check("", "");
    }

    #[test]
    fn a_brace_without_its_other_is_found() {
        let check = |title: &str, at: usize| {
            assert_eq!(check_title(title), Err(at), "{title}");
            assert_eq!(fill_title(title, |_| Cow::Borrowed("x")).len(), title.len());
        };
        check("down at {site", 8);
        check("down} at site", 4);
        check("断 {}", 4);
        check("a {b{c}", 2);
    }
}
