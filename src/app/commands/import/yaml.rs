//! YAML as an Alertmanager reads it into texts: every scalar keeps its spelling (`yes`, `0571`, `1.10`) and its line.

use std::collections::BTreeMap;

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput};

/// No configuration nests deeper.
const DEPTH_MAX: usize = 64;
/// Maximum number of nodes, those that aliases repeat included.
const NODES_MAX: usize = 1_000_000;

/// A value, and the line of the file in which it begins.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub line: usize,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Text(String),
    List(Vec<Node>),
    /// In the order of the file.
    Map(Vec<(String, Node)>),
}

/// The first document of the text; later ones are not read.
pub(super) fn parse(text: &str) -> Result<Node, String> {
    let mut reader = Reader { parser: Parser::new_from_str(text), anchors: BTreeMap::new(), nodes: 0 };
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamStart | Event::DocumentStart(..) => {}
            Event::StreamEnd => return Ok(Node { line: 1, value: Value::Null }),
            other => return reader.node(other, span, 0),
        }
    }
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    anchors: BTreeMap<usize, (Node, usize)>,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), String> {
        match self.parser.next() {
            Some(Ok(next)) => Ok(next),
            Some(Err(bad)) => Err(format!("line {}: {}", bad.marker().line(), bad.info())),
            None => Err("the file ends too early".to_owned()),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, String> {
        let (line, before) = (span.start.line(), self.nodes);
        if depth > DEPTH_MAX {
            return Err(format!("line {line}: it nests deeper than {DEPTH_MAX}"));
        }
        self.count(1, line)?;
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_plain = style == ScalarStyle::Plain && tag.is_none();
                let is_null = is_plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                (if is_null { Value::Null } else { Value::Text(text.into_owned()) }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => (self.list(depth)?, anchor),
            Event::MappingStart(_, anchor, _) => (self.map(depth)?, anchor),
            Event::Alias(anchor) => {
                let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
                    return Err(format!("line {line}: an alias without its anchor"));
                };
                self.count(size, line)?;
                return Ok(node);
            }
            other => return Err(format!("line {line}: {other:?} is not expected there")),
        };
        let node = Node { line, value };
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), self.nodes - before));
        }
        Ok(node)
    }

    fn count(&mut self, nodes: usize, line: usize) -> Result<(), String> {
        self.nodes += nodes;
        if self.nodes > NODES_MAX { Err(format!("line {line}: more than {NODES_MAX} values")) } else { Ok(()) }
    }

    fn list(&mut self, depth: usize) -> Result<Value, String> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(items)),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, String> {
        let mut own: Vec<(String, Node)> = Vec::new();
        let mut merged = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                break;
            }
            let key = self.node(event, span, depth + 1)?;
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            match key.value {
                Value::Text(name) if name == "<<" => merged.extend(pairs(value)),
                // Where a line says which key it is: at the key, not at its value.
                Value::Text(name) => own.push((name, Node { line: key.line, ..value })),
                Value::Null | Value::List(_) | Value::Map(_) => {
                    return Err(format!("line {}: a key that is no text", key.line));
                }
            }
        }
        merged.retain(|(name, _)| own.iter().all(|(known, _)| known != name));
        own.extend(merged);
        Ok(Value::Map(own))
    }
}

/// What `<<` takes in: a mapping, or a list of them.
fn pairs(node: Node) -> Vec<(String, Node)> {
    match node.value {
        Value::Map(pairs) => pairs,
        Value::List(items) => items.into_iter().flat_map(pairs).collect(),
        Value::Null | Value::Text(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_keep_their_text_and_their_line() {
        let node = parse("a: yes\nb: [0571, 1.10, '~', ~, '']\nc: &x {d: 1e3}\ne:\n  <<: *x\n  f: off\n").unwrap();
        let shown = format!("{node:?}");
        for text in ["\"yes\"", "\"0571\"", "\"1.10\"", "Text(\"~\")", "Null", "Text(\"\")", "\"1e3\"", "\"off\""] {
            assert!(shown.contains(text), "{text} in {shown}");
        }
        let Value::Map(keys) = node.value else { panic!("{shown}") };
        let lines: Vec<(&str, usize)> = keys.iter().map(|(name, node)| (name.as_str(), node.line)).collect();
        assert_eq!(lines, [("a", 1), ("b", 2), ("c", 3), ("e", 4)]);
        assert_eq!(shown.matches("1e3").count(), 2);
    }

    #[test]
    fn what_is_no_yaml_is_refused_with_its_line() {
        assert!(parse("a: [\n").unwrap_err().starts_with("line "));
        assert!(parse(&"[".repeat(1_000)).is_err());
        let bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned()
            + &(0..8)
                .map(|n| {
                    format!(
                        "a{n}: &b{n} [{}]\n",
                        vec![format!("*{}", if n == 0 { "a".to_owned() } else { format!("b{}", n - 1) }); 10]
                            .join(", ")
                    )
                })
                .collect::<String>();
        assert!(parse(&bomb).unwrap_err().contains("values"));
    }
}
