use clonedeck_queue::StepError;
use clonedeck_site::{Class, Problem};

/// A problem with a site as the queue understands it. A full disk becomes a wait that ends by itself when there is room.
pub fn step_error(problem: Problem) -> StepError {
    let Problem { code, class, message, help, context } = problem;
    let room = context.get("path").map(std::path::PathBuf::from);
    let needed = context.get("needed").and_then(|bytes| bytes.parse().ok()).unwrap_or(64 << 20);
    let mut error = match (class, room) {
        (Class::NeedsPerson, Some(path)) if code == "disk.full" => {
            StepError::room_needed(code, message, path, needed)
        }
        (Class::Transient | Class::Stopped, _) => StepError::transient(code, message),
        (Class::NeedsPerson, _) => StepError::needs_person(code, message),
        (Class::Permanent, _) => StepError::permanent(code, message),
    };
    error = error.help(help);
    for (name, value) in context {
        error = error.with(name, value);
    }
    error
}
