use std::path::Path;

use tree_sitter::Node;

use super::document::{Document, children};
use super::evaluate::{Environment, Outcome, Reading};
use super::value::Value;

/// What an expression may refer to.
pub(super) struct Scope<'a> {
    pub reading: &'a Reading,
    pub environment: &'a Environment,
    pub document: &'a Document,
}

/// A value, or in a few words what only run time knows.
type Answer = Result<Value, String>;

impl Scope<'_> {
    pub fn value(&self, node: Node<'_>) -> Answer {
        match node.kind() {
            "string" | "encapsed_string" | "heredoc" | "nowdoc" => self.string(node),
            "integer" => self.integer(node),
            "float" => self
                .document
                .text(node)
                .replace('_', "")
                .parse()
                .map(Value::Float)
                .map_err(|_| "an odd number".into()),
            "boolean" => Ok(Value::Bool(self.document.text(node).eq_ignore_ascii_case("true"))),
            "null" => Ok(Value::Null),
            "name" | "qualified_name" => self.constant(self.document.text(node).trim_start_matches('\\')),
            "variable_name" => self.variable(node),
            "parenthesized_expression" | "argument" | "error_suppression_expression" => children(node)
                .first()
                .map_or_else(|| Err("an empty expression".into()), |inner| self.value(*inner)),
            "cast_expression" => self.cast(node),
            "unary_op_expression" => self.unary(node),
            "binary_expression" => self.binary(node),
            "conditional_expression" => self.conditional(node),
            "subscript_expression" => self.subscript(node),
            "function_call_expression" => self.call(node),
            "scoped_call_expression" => self.scoped_call(node),
            _ => Err(format!("`{}`", brief(self.document.text(node)))),
        }
    }

    fn constant(&self, name: &str) -> Answer {
        let file = &self.document.path;
        match name {
            "__DIR__" => return Ok(file.parent().unwrap_or(Path::new("/")).display().to_string().into()),
            "__FILE__" => return Ok(file.display().to_string().into()),
            "DIRECTORY_SEPARATOR" => return Ok("/".into()),
            _ => {}
        }
        match self.reading.constants.get(name).map(|definition| &definition.outcome) {
            Some(Outcome::Known(value)) => Ok(value.clone()),
            _ => Err(format!("the constant {name}")),
        }
    }

    fn variable(&self, node: Node<'_>) -> Answer {
        let name = self.document.text(node);
        match self.reading.variables.get(name.trim_start_matches('$')).map(|definition| &definition.outcome) {
            Some(Outcome::Known(value)) => Ok(value.clone()),
            _ => Err(format!("the variable {name}")),
        }
    }

    fn integer(&self, node: Node<'_>) -> Answer {
        let text = self.document.text(node).replace('_', "").to_ascii_lowercase();
        let number = if let Some(digits) = text.strip_prefix("0x") {
            i64::from_str_radix(digits, 16)
        } else if let Some(digits) = text.strip_prefix("0b") {
            i64::from_str_radix(digits, 2)
        } else if text.len() > 1 && text.starts_with('0') {
            i64::from_str_radix(text[1..].trim_start_matches('o'), 8)
        } else {
            text.parse()
        };
        number.map(Value::Int).map_err(|_| format!("the number {text}"))
    }

    fn string(&self, node: Node<'_>) -> Answer {
        let double = matches!(node.kind(), "encapsed_string" | "heredoc");
        let mut bytes = Vec::new();
        self.pieces(node, double, &mut bytes)?;
        String::from_utf8(bytes).map(Value::Text).map_err(|_| "a text that is not UTF-8".into())
    }

    fn pieces(&self, node: Node<'_>, double: bool, out: &mut Vec<u8>) -> Result<(), String> {
        for piece in children(node) {
            let raw = &self.document.bytes[piece.byte_range()];
            match piece.kind() {
                "string_content" | "nowdoc_string" => out.extend_from_slice(raw),
                "escape_sequence" => unescape(raw, double, out),
                "heredoc_body" | "nowdoc_body" => {
                    let indented = node
                        .child_by_field_name("end_tag")
                        .is_some_and(|tag| tag.start_position().column > 0);
                    if indented {
                        return Err("an indented heredoc".into());
                    }
                    // Line feeds between lines belong to the text; the grammar leaves them out between its pieces.
                    let body = &self.document.bytes[piece.byte_range()];
                    if children(piece)
                        .iter()
                        .any(|part| !matches!(part.kind(), "string_content" | "nowdoc_string"))
                    {
                        return Err("a heredoc with variables".into());
                    }
                    out.extend_from_slice(body.strip_prefix(b"\n").unwrap_or(body));
                }
                "heredoc_start" | "heredoc_end" => {}
                _ => out.extend_from_slice(self.value(piece)?.text().as_bytes()),
            }
        }
        Ok(())
    }

    fn cast(&self, node: Node<'_>) -> Answer {
        let (Some(kind), Some(value)) = (node.child_by_field_name("type"), node.child_by_field_name("value"))
        else {
            return Err("a cast".into());
        };
        let value = self.value(value)?;
        match self.document.text(kind).to_ascii_lowercase().as_str() {
            "string" => Ok(Value::Text(value.text())),
            "bool" | "boolean" => Ok(Value::Bool(value.truth())),
            "int" | "integer" => Ok(Value::Int(value.text().trim().parse().unwrap_or(0))),
            other => Err(format!("a cast to {other}")),
        }
    }

    fn unary(&self, node: Node<'_>) -> Answer {
        let operator = node
            .child_by_field_name("operator")
            .map(|operator| self.document.text(operator))
            .unwrap_or_default();
        let argument = node.child_by_field_name("argument").ok_or("an operator without an operand")?;
        match (operator, self.value(argument)?) {
            ("!", value) => Ok(Value::Bool(!value.truth())),
            ("-", Value::Int(number)) => Ok(Value::Int(-number)),
            ("-", Value::Float(number)) => Ok(Value::Float(-number)),
            ("+", value @ (Value::Int(_) | Value::Float(_))) => Ok(value),
            _ => Err(format!("`{}`", brief(self.document.text(node)))),
        }
    }

    fn binary(&self, node: Node<'_>) -> Answer {
        let operator = node
            .child_by_field_name("operator")
            .map(|operator| self.document.text(operator))
            .unwrap_or_default();
        let (Some(left), Some(right)) = (node.child_by_field_name("left"), node.child_by_field_name("right"))
        else {
            return Err("half an expression".into());
        };
        let truth = |node| self.value(node).map(|value| value.truth());
        Ok(match operator.to_ascii_lowercase().as_str() {
            "." => Value::Text(self.value(left)?.text() + &self.value(right)?.text()),
            // A false or true side decides whatever is not known of the other one.
            "&&" | "and" => match (truth(left), truth(right)) {
                (Ok(false), _) | (_, Ok(false)) => Value::Bool(false),
                (left, right) => Value::Bool(left? && right?),
            },
            "||" | "or" => match (truth(left), truth(right)) {
                (Ok(true), _) | (_, Ok(true)) => Value::Bool(true),
                (left, right) => Value::Bool(left? || right?),
            },
            "??" if left.kind() == "variable_name" && !self.is_set(left) => self.value(right)?,
            "??" => match self.value(left)? {
                Value::Null => self.value(right)?,
                value => value,
            },
            "===" => Value::Bool(self.value(left)? == self.value(right)?),
            "!==" => Value::Bool(self.value(left)? != self.value(right)?),
            "==" | "!=" => match (self.value(left)?, self.value(right)?) {
                (Value::Text(left), Value::Text(right)) => Value::Bool((left == right) == (operator == "==")),
                _ => return Err("a loose comparison".into()),
            },
            _ => return Err(format!("`{}`", brief(self.document.text(node)))),
        })
    }

    fn conditional(&self, node: Node<'_>) -> Answer {
        let condition = node.child_by_field_name("condition").ok_or("a conditional")?;
        let otherwise = node.child_by_field_name("alternative").ok_or("a conditional")?;
        let value = self.value(condition)?;
        match (value.truth(), node.child_by_field_name("body")) {
            (true, None) => Ok(value),
            (true, Some(body)) => self.value(body),
            (false, _) => self.value(otherwise),
        }
    }

    /// `$_ENV['X']` and `$_SERVER['X']`: the environment where it is known, the request otherwise.
    fn subscript(&self, node: Node<'_>) -> Answer {
        let parts = children(node);
        if let [array, key] = parts[..]
            && let Ok(Value::Text(key)) = self.value(key)
        {
            let array = self.document.text(array);
            if array == "$_ENV" || (array == "$_SERVER" && self.environment.values.contains_key(&key)) {
                return self.environment_variable(&key);
            }
            if array == "$_SERVER" {
                return Err(format!("{key} of the request"));
            }
        }
        Err(format!("`{}`", brief(self.document.text(node))))
    }

    fn environment_variable(&self, name: &str) -> Answer {
        match self.environment.values.get(name) {
            Some(value) => Ok(Value::Text(value.clone())),
            None if self.environment.complete => Ok(Value::Null),
            None => Err(format!("the environment variable {name}")),
        }
    }

    /// Whether a variable is known to be set. One that is set in doubt counts as set.
    fn is_set(&self, node: Node<'_>) -> bool {
        let name = self.document.text(node).trim_start_matches('$');
        self.reading.variables.get(name).is_some_and(|found| found.outcome != Outcome::Known(Value::Null))
    }

    fn call(&self, node: Node<'_>) -> Answer {
        let function =
            node.child_by_field_name("function").map(|name| self.document.text(name)).unwrap_or_default();
        let function = function.rsplit('\\').next().unwrap_or_default().to_ascii_lowercase();
        let arguments = node.child_by_field_name("arguments").map(children).unwrap_or_default();
        let text = |index: usize| -> Result<String, String> {
            let argument = arguments.get(index).ok_or_else(|| format!("{function}()"))?;
            self.value(*argument).map(|value| value.text())
        };
        match function.as_str() {
            "defined" => {
                let name = text(0)?;
                match self.reading.constants.get(&name) {
                    None => Ok(Value::Bool(false)),
                    Some(found) if matches!(found.outcome, Outcome::Known(_)) => Ok(Value::Bool(true)),
                    // Defined for certain where its value alone is not known.
                    Some(found) if is_certain(&found.outcome) => Ok(Value::Bool(true)),
                    Some(_) => Err(format!("the constant {name}")),
                }
            }
            "constant" => self.constant(&text(0)?),
            "isset" | "empty" => self.isset(&function, &arguments),
            "file_exists" | "is_readable" | "is_file" => Ok(Value::Bool(self.on_disk(&text(0)?).exists())),
            "is_dir" => Ok(Value::Bool(self.on_disk(&text(0)?).is_dir())),
            "dirname" => {
                let levels = if arguments.len() > 1 { text(1)?.parse().unwrap_or(1) } else { 1 };
                let path = text(0)?;
                let mut path = Path::new(path.trim_end_matches('/'));
                for _ in 0..levels {
                    path = path.parent().unwrap_or(Path::new("/"));
                }
                Ok(path.display().to_string().into())
            }
            "realpath" => Ok(std::fs::canonicalize(self.on_disk(&text(0)?))
                .map_or(Value::Bool(false), |path| path.display().to_string().into())),
            "trim" if arguments.len() == 1 => Ok(text(0)?.trim().into()),
            "rtrim" | "ltrim" | "trim" if arguments.len() == 2 => {
                let (subject, set) = (text(0)?, text(1)?);
                let inside = |character| set.contains(character);
                Ok(match function.as_str() {
                    "rtrim" => subject.trim_end_matches(inside),
                    "ltrim" => subject.trim_start_matches(inside),
                    _ => subject.trim_matches(inside),
                }
                .into())
            }
            "strtolower" => Ok(text(0)?.to_lowercase().into()),
            "strtoupper" => Ok(text(0)?.to_uppercase().into()),
            "basename" if arguments.len() == 1 => {
                Ok(text(0)?.trim_end_matches('/').rsplit('/').next().unwrap_or_default().into())
            }
            // PHP's own, Bedrock's `env` and the helper of the Docker images, which takes a default.
            "getenv" | "env" | "getenv_docker" => {
                let name = text(0)?;
                match self.environment_variable(&name) {
                    Ok(Value::Null) if function == "getenv" => Ok(Value::Bool(false)),
                    Ok(Value::Null) if arguments.len() > 1 => Ok(text(1)?.into()),
                    answer => answer,
                }
            }
            _ => Err(format!("{function}()")),
        }
    }

    fn isset(&self, function: &str, arguments: &[Node<'_>]) -> Answer {
        let inner = arguments.first().and_then(|argument| argument.named_child(0));
        let Some(inner) = inner.filter(|inner| inner.kind() == "variable_name") else {
            return Err(arguments
                .first()
                .map_or_else(String::new, |node| format!("`{}`", brief(self.document.text(*node)))));
        };
        let name = self.document.text(inner).trim_start_matches('$');
        match (function, self.reading.variables.get(name).map(|found| &found.outcome)) {
            ("isset", None) => Ok(Value::Bool(false)),
            ("isset", Some(Outcome::Known(value))) => Ok(Value::Bool(*value != Value::Null)),
            (_, None) => Ok(Value::Bool(true)),
            (_, Some(Outcome::Known(value))) => Ok(Value::Bool(!value.truth())),
            (_, Some(Outcome::Computed(_))) => Err(format!("the variable ${name}")),
        }
    }

    /// Bedrock's `Config::get`.
    fn scoped_call(&self, node: Node<'_>) -> Answer {
        let name = node.child_by_field_name("name").map(|name| self.document.text(name));
        let arguments = node.child_by_field_name("arguments").map(children).unwrap_or_default();
        if name == Some("get")
            && let [argument] = arguments[..]
            && let Value::Text(name) = self.value(argument)?
        {
            return self.constant(&name);
        }
        Err(format!("`{}`", brief(self.document.text(node))))
    }

    fn on_disk(&self, path: &str) -> std::path::PathBuf {
        self.document.path.parent().unwrap_or(Path::new("/")).join(path)
    }
}

fn is_certain(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Computed(why) if why.starts_with("it is made from"))
}

fn unescape(raw: &[u8], double: bool, out: &mut Vec<u8>) {
    let [b'\\', rest @ ..] = raw else { return out.extend_from_slice(raw) };
    let plain = |out: &mut Vec<u8>| match rest {
        [b'\\' | b'\'', ..] if !double => out.push(rest[0]),
        _ => out.extend_from_slice(raw),
    };
    if !double {
        return plain(out);
    }
    let digits = std::str::from_utf8(rest).unwrap_or_default();
    match rest.first() {
        Some(b'n') => out.push(b'\n'),
        Some(b't') => out.push(b'\t'),
        Some(b'r') => out.push(b'\r'),
        Some(b'v') => out.push(0x0b),
        Some(b'e') => out.push(0x1b),
        Some(b'f') => out.push(0x0c),
        Some(b'\\' | b'$' | b'"') => out.push(rest[0]),
        Some(b'x') => match u8::from_str_radix(&digits[1..], 16) {
            Ok(byte) => out.push(byte),
            Err(_) => plain(out),
        },
        Some(b'0'..=b'7') => match u16::from_str_radix(digits, 8) {
            Ok(byte) => out.push(byte as u8),
            Err(_) => plain(out),
        },
        Some(b'u') => {
            let code =
                u32::from_str_radix(digits[1..].trim_matches(['{', '}']), 16).ok().and_then(char::from_u32);
            match code {
                Some(character) => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
                None => plain(out),
            }
        }
        _ => plain(out),
    }
}

/// The start of an expression, for a message. Quoted texts in it are left out: they may be passwords.
fn brief(text: &str) -> String {
    let mut brief = String::new();
    let mut quote = None;
    for character in text.chars().take(60) {
        match (quote, character) {
            (None, '\'' | '"') => {
                quote = Some(character);
                brief.push_str("'…'");
            }
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '\n') => brief.push(' '),
            (None, _) => brief.push(character),
        }
    }
    brief
}
