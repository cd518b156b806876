use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use tree_sitter::Node;

use super::document::{Document, children};
use super::expression::Scope;
use super::value::Value;
use crate::Result;

/// How deep included files may include others.
const INCLUDE_DEPTH: usize = 8;

/// What is known of a name.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Its value.
    Known(Value),
    /// Only a running PHP could tell; why, in words that end a sentence.
    Computed(String),
}

/// Where an expression stands that defines a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The expression's bytes in it.
    pub span: Range<usize>,
}

/// A constant or variable of a configuration.
#[derive(Debug, Clone)]
pub struct Definition {
    /// What is known of it.
    pub outcome: Outcome,
    /// The expressions that may define it; more than one where a condition decides at run time.
    pub places: Vec<Place>,
}

/// The environment variables that the site's web server gives to PHP, as far as they are known.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Names and values.
    pub values: BTreeMap<String, String>,
    /// Whether a name that is missing here is known to be missing there.
    pub complete: bool,
}

/// What a configuration says, found by following it from its first statement without running it.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// Constants by name.
    pub constants: BTreeMap<String, Definition>,
    /// Variables by name, without the dollar.
    pub variables: BTreeMap<String, Definition>,
    /// The files that were read, the first one first.
    pub files: Vec<PathBuf>,
    /// The expressions that name an included file, and the file each one names.
    pub includes: Vec<(Place, PathBuf)>,
    /// Where the file hands over to the platform (`require … wp-settings.php`), if it does.
    pub handover: Option<Place>,
}

impl Reading {
    /// Follows the configuration in `file`. `constants` are those that the platform has defined before.
    pub fn of(file: &Path, environment: &Environment, constants: &[(&str, &str)]) -> Result<Self> {
        Self::of_document(Document::read(file)?, environment, constants)
    }

    /// Follows a configuration that is parsed already.
    pub fn of_document(
        document: Document,
        environment: &Environment,
        constants: &[(&str, &str)],
    ) -> Result<Self> {
        let mut reading = Self::default();
        for (name, value) in constants {
            let known = Definition { outcome: Outcome::Known((*value).into()), places: Vec::new() };
            reading.constants.insert((*name).to_owned(), known);
        }
        let mut walk = Walk { reading, environment, doubt: None, ended: false, depth: 0 };
        walk.file(&document)?;
        Ok(walk.reading)
    }

    /// The value of constant `name`: none if it is not defined, an error with the reason if it is computed.
    pub fn constant(&self, name: &str) -> std::result::Result<Option<&Value>, &str> {
        known(self.constants.get(name))
    }

    /// The value of variable `name` (without the dollar).
    pub fn variable(&self, name: &str) -> std::result::Result<Option<&Value>, &str> {
        known(self.variables.get(name))
    }
}

fn known(definition: Option<&Definition>) -> std::result::Result<Option<&Value>, &str> {
    match definition.map(|definition| &definition.outcome) {
        None => Ok(None),
        Some(Outcome::Known(value)) => Ok(Some(value)),
        Some(Outcome::Computed(why)) => Err(why),
    }
}

struct Walk<'a> {
    reading: Reading,
    environment: &'a Environment,
    /// Why it is not known whether the statements at hand run at all.
    doubt: Option<String>,
    ended: bool,
    depth: usize,
}

impl Walk<'_> {
    fn file(&mut self, document: &Document) -> Result<()> {
        self.reading.files.push(document.path.clone());
        self.block(document, document.tree.root_node())
    }

    fn scope<'b>(&'b self, document: &'b Document) -> Scope<'b> {
        Scope { reading: &self.reading, environment: self.environment, document }
    }

    fn block(&mut self, document: &Document, node: Node<'_>) -> Result<()> {
        for child in children(node) {
            if self.ended {
                break;
            }
            if child.kind() == "return_statement" {
                break;
            }
            self.statement(document, child)?;
        }
        Ok(())
    }

    fn statement(&mut self, document: &Document, node: Node<'_>) -> Result<()> {
        match node.kind() {
            "expression_statement" => {
                children(node).into_iter().try_for_each(|inner| self.expression(document, inner))
            }
            "compound_statement"
            | "colon_block"
            | "namespace_definition"
            | "else_clause"
            | "case_statement"
            | "default_statement" => self.block(document, node),
            "const_declaration" => {
                for element in children(node) {
                    if let [name, value] = children(element)[..] {
                        let name = document.text(name).to_owned();
                        self.define(document, &name, value, false);
                    }
                }
                Ok(())
            }
            "if_statement" => self.choice(document, node),
            "try_statement" => {
                node.child_by_field_name("body").map_or(Ok(()), |body| self.statement(document, body))
            }
            "switch_statement" | "for_statement" | "foreach_statement" | "while_statement"
            | "do_statement" => {
                let kind = node.kind().trim_end_matches("_statement");
                self.doubtful(format!("it is set inside a `{kind}`"), |walk| walk.everything(document, node))
            }
            "exit_statement" if self.doubt.is_none() => {
                self.ended = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Every statement below `node`, where it is not known which of them run.
    fn everything(&mut self, document: &Document, node: Node<'_>) -> Result<()> {
        for child in children(node) {
            if child.kind().ends_with("_statement") || child.kind() == "const_declaration" {
                self.statement(document, child)?;
            } else {
                self.everything(document, child)?;
            }
        }
        Ok(())
    }

    fn doubtful(&mut self, why: String, work: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let before = self.doubt.clone();
        self.doubt.get_or_insert(why);
        let done = work(self);
        self.doubt = before;
        done
    }

    fn choice(&mut self, document: &Document, node: Node<'_>) -> Result<()> {
        let mut cursor = node.walk();
        let otherwise: Vec<_> = node.children_by_field_name("alternative", &mut cursor).collect();
        let branches = std::iter::once(node).chain(otherwise);
        let mut doubt: Option<String> = None;
        for branch in branches {
            let verdict = match branch.child_by_field_name("condition") {
                Some(condition) => self.scope(document).value(condition).map(|value| value.truth()),
                None => Ok(true),
            };
            let body = branch.child_by_field_name("body").unwrap_or(branch);
            let taken = match verdict {
                Ok(false) => continue,
                Ok(true) => true,
                Err(why) => {
                    doubt.get_or_insert(format!("it depends on a condition about {why}"));
                    false
                }
            };
            match &doubt {
                Some(why) => self.doubtful(why.clone(), |walk| walk.statement(document, body))?,
                None => self.statement(document, body)?,
            }
            if taken {
                break;
            }
        }
        Ok(())
    }

    fn expression(&mut self, document: &Document, node: Node<'_>) -> Result<()> {
        match node.kind() {
            "function_call_expression" => {
                let name = node
                    .child_by_field_name("function")
                    .map(|name| document.text(name).trim_start_matches('\\'));
                if name.is_some_and(|name| name.eq_ignore_ascii_case("define")) {
                    self.define_call(document, node, false);
                }
            }
            // Bedrock collects its constants with `Config::define` and lets the last one win.
            "scoped_call_expression"
                if node.child_by_field_name("name").is_some_and(|name| document.text(name) == "define") =>
            {
                self.define_call(document, node, true);
            }
            "assignment_expression" => {
                let (left, right) = (node.child_by_field_name("left"), node.child_by_field_name("right"));
                if let (Some(left), Some(right)) = (left, right)
                    && left.kind() == "variable_name"
                {
                    self.assign(document, document.text(left).trim_start_matches('$'), right);
                }
            }
            "binary_expression" => {
                // `defined('X') or define('X', …);`
                let operator = node.child_by_field_name("operator").map(|operator| document.text(operator));
                let (left, right) = (node.child_by_field_name("left"), node.child_by_field_name("right"));
                if let (Some(left), Some(right), Some(operator)) = (left, right, operator) {
                    let runs_on = match operator.to_ascii_lowercase().as_str() {
                        "||" | "or" => false,
                        "&&" | "and" => true,
                        _ => return Ok(()),
                    };
                    match self.scope(document).value(left).map(|value| value.truth()) {
                        Ok(truth) if truth == runs_on => self.expression(document, right)?,
                        Ok(_) => {}
                        Err(why) => {
                            let why = format!("it depends on a condition about {why}");
                            self.doubtful(why, |walk| walk.expression(document, right))?;
                        }
                    }
                }
            }
            "parenthesized_expression" | "error_suppression_expression" => {
                for inner in children(node) {
                    self.expression(document, inner)?;
                }
            }
            "require_once_expression"
            | "require_expression"
            | "include_once_expression"
            | "include_expression" => {
                self.include(document, node)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn define_call(&mut self, document: &Document, call: Node<'_>, last_wins: bool) {
        let Some(arguments) = call.child_by_field_name("arguments") else { return };
        let arguments = children(arguments);
        let [name, value, ..] = arguments[..] else { return };
        let (Some(name), Some(value)) = (name.named_child(0), value.named_child(0)) else { return };
        if let Ok(Value::Text(name)) = self.scope(document).value(name) {
            self.define(document, &name, value, last_wins);
        }
    }

    fn define(&mut self, document: &Document, name: &str, value: Node<'_>, last_wins: bool) {
        let place = Place { file: document.path.clone(), span: value.byte_range() };
        let outcome = self.outcome(document, value);
        let earlier = self.reading.constants.get_mut(name);
        match earlier {
            // The first definition of a constant is the one that counts.
            Some(earlier) if matches!(earlier.outcome, Outcome::Known(_)) && !last_wins => {}
            Some(earlier) if self.doubt.is_some() || !last_wins => {
                earlier.places.push(place);
                if self.doubt.is_some() {
                    earlier.outcome = outcome;
                }
            }
            _ => {
                self.reading.constants.insert(name.to_owned(), Definition { outcome, places: vec![place] });
            }
        }
    }

    fn assign(&mut self, document: &Document, name: &str, value: Node<'_>) {
        let place = Place { file: document.path.clone(), span: value.byte_range() };
        let outcome = self.outcome(document, value);
        match self.reading.variables.get_mut(name) {
            Some(earlier) if self.doubt.is_some() => {
                earlier.places.push(place);
                earlier.outcome = outcome;
            }
            _ => {
                self.reading.variables.insert(name.to_owned(), Definition { outcome, places: vec![place] });
            }
        }
    }

    fn outcome(&self, document: &Document, value: Node<'_>) -> Outcome {
        match (&self.doubt, self.scope(document).value(value)) {
            (Some(why), _) => Outcome::Computed(why.clone()),
            (None, Ok(value)) => Outcome::Known(value),
            (None, Err(why)) => Outcome::Computed(format!("it is made from {why}")),
        }
    }

    fn include(&mut self, document: &Document, node: Node<'_>) -> Result<()> {
        let Some(argument) = node.named_child(0) else { return Ok(()) };
        let place = Place { file: document.path.clone(), span: argument.byte_range() };
        if document.text(argument).contains("wp-settings.php") {
            self.reading.handover = Some(Place { span: node.byte_range(), ..place });
            self.ended = true;
            return Ok(());
        }
        let Ok(Value::Text(path)) = self.scope(document).value(argument) else { return Ok(()) };
        let folder = document.path.parent().unwrap_or(Path::new("."));
        let path = folder.join(path);
        // Class loaders define no settings and lead into thousands of files.
        let library = path.components().any(|part| part.as_os_str() == "vendor");
        let again = self.reading.files.contains(&path);
        if library || again || self.depth >= INCLUDE_DEPTH || !path.is_file() {
            return Ok(());
        }
        self.reading.includes.push((place, path.clone()));
        let included = Document::read(&path)?;
        self.depth += 1;
        let done = self.file(&included);
        self.depth -= 1;
        done
    }
}
