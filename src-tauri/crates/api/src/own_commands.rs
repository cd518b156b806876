//! The operator's additions to the list of allowed commands.

use std::sync::Arc;

use clonedeck_jobs::command::{self, Argument, Catalogue, Effect};

use crate::wire::{
    ArgumentHolds, ArgumentKind, CommandArgument, CommandEffect, NewCommand, OwnCommands, Problem,
};
use crate::{Clonedeck, commands, convert};

impl Clonedeck {
    /// The operator's own part of the list of commands.
    pub async fn own_commands(&self) -> Result<OwnCommands, Problem> {
        let own = self.own();
        let catalogue = self.catalogue();
        let listed = own.list();
        let problem = listed.as_ref().err().cloned().map(convert::site_problem);
        let catalogue = catalogue.unwrap_or_else(|_| Arc::new(Catalogue::builtin()));
        let programs = catalogue.programs().into_iter().map(|(name, says)| (name, says.join(" "))).collect();
        let listed = listed.unwrap_or_default();
        Ok(OwnCommands {
            file: own.file().display().to_string(),
            commands: listed.iter().map(|one| commands::told(&catalogue, one, None)).collect(),
            programs,
            problem,
        })
    }

    /// Adds a command to the list; answers its id. Refused with the context `field` where a part of it is wrong.
    pub async fn add_own_command(&self, new: &NewCommand) -> Result<String, Problem> {
        let split = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let new = command::NewCommand {
            program: new.program.clone(),
            words: split(&new.words),
            title: new.title.clone(),
            effect: match new.effect {
                CommandEffect::Reads => Effect::Reads,
                CommandEffect::Changes => Effect::Changes,
                CommandEffect::Destroys => Effect::Destroys,
            },
            dry_run: split(&new.dry_run),
            resume: new.resume.as_deref().map(split),
            deadline_hours: new.deadline_hours,
            arguments: new.arguments.iter().map(argument).collect(),
        };
        self.own().add(&new).map_err(convert::site_problem)
    }

    /// Removes a command that the operator has added. Answers whether there was one.
    pub async fn remove_own_command(&self, id: &str) -> Result<bool, Problem> {
        self.own().remove(id).map_err(convert::site_problem)
    }

    fn own(&self) -> command::OwnCommands {
        command::OwnCommands::new(self.data_dir.join("commands.toml"))
    }
}

fn argument(argument: &CommandArgument) -> Argument {
    Argument {
        name: argument.name.trim().to_owned(),
        kind: match argument.kind {
            ArgumentKind::Value => command::Kind::Value,
            ArgumentKind::Option => command::Kind::Option,
            ArgumentKind::Flag => command::Kind::Flag,
        },
        holds: match argument.holds {
            ArgumentHolds::Text => command::Holds::Text,
            ArgumentHolds::Name => command::Holds::Name,
            ArgumentHolds::Integer => command::Holds::Integer,
            ArgumentHolds::Url => command::Holds::Url,
            ArgumentHolds::Path => command::Holds::Path,
            ArgumentHolds::Script => command::Holds::Script,
        },
        choices: argument.choices.clone(),
        required: argument.required,
        many: argument.many,
        min: argument.min,
        max: argument.max,
    }
}
