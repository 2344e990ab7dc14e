//! What a shell and `man` want to know of the command line. Made from the flags themselves, so that it cannot be
//! out of date.

use std::path::Path;

use clap::CommandFactory;

use crate::args::{Cli, CompletionsArgs, ManArgs};
use crate::error::CliError;

/// Prints a shell's completions.
pub fn completions(args: &CompletionsArgs) -> u8 {
    let mut command = Cli::command();
    clap_complete::generate(args.shell, &mut command, "flywheel", &mut std::io::stdout());
    0
}

/// Writes `flywheel.1` and a page for each command.
pub fn man(args: &ManArgs) -> Result<u8, CliError> {
    std::fs::create_dir_all(&args.dir).map_err(CliError::file(&args.dir))?;
    let mut command = Cli::command();
    command.build();
    page(&args.dir, &command, "flywheel")?;
    for sub in command.get_subcommands() {
        page(&args.dir, sub, &format!("flywheel-{}", sub.get_name()))?;
    }
    println!("{}", args.dir.display());
    Ok(0)
}

fn page(dir: &Path, command: &clap::Command, name: &str) -> Result<(), CliError> {
    let mut text = Vec::new();
    let command = command.clone().display_name(name.to_owned());
    let path = dir.join(format!("{name}.1"));
    clap_mangen::Man::new(command).render(&mut text).map_err(CliError::file(&path))?;
    std::fs::write(&path, text).map_err(CliError::file(&path))
}
