//! Starting at login, without the window.

use auto_launch::{AutoLaunch, AutoLaunchBuilder};
use pointsman_gateway::environment::Environment;

use crate::program;

/// What the entry is called among others that start at login.
const NAME: &str = "Pointsman";

/// Whether the program starts at login.
pub fn is_on(environment: &Environment) -> Result<bool, String> {
    entry(environment)?.is_enabled().map_err(|error| error.to_string())
}

/// Has it start at login, or not.
pub fn set(environment: &Environment, on: bool) -> Result<(), String> {
    let entry = entry(environment)?;
    if on { entry.enable() } else { entry.disable() }.map_err(|error| error.to_string())
}

fn entry(environment: &Environment) -> Result<AutoLaunch, String> {
    let program = program::tray(environment).map_err(|error| error.to_string())?;
    let program = program.to_str().ok_or_else(|| format!("{} cannot be written down", program.display()))?;
    let mut entry = AutoLaunchBuilder::new();
    entry.set_app_name(NAME).set_app_path(program).set_args(&["--hidden"]);
    #[cfg(target_os = "macos")]
    entry.set_macos_launch_mode(auto_launch::MacOSLaunchMode::LaunchAgent);
    entry.build().map_err(|error| error.to_string())
}
