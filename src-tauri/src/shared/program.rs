//! Where the programs are: beside each other, in whatever folder a build or a package put them.

use std::path::{Path, PathBuf};
use std::{env, io};

use pointsman_gateway::environment::Environment;

/// The program with the tray and the gateway.
const TRAY: &str = "pointsman-desktop";
/// The program with the window.
const WINDOW: &str = "pointsman-window";

/// The program with the window. An error, in words for a person, where only the other one was installed.
pub fn window() -> io::Result<PathBuf> {
    let place = beside(&env::current_exe()?, WINDOW);
    if place.is_file() {
        return Ok(place);
    }
    let problem = format!("{} is missing; install Pointsman anew", place.display());
    Err(io::Error::new(io::ErrorKind::NotFound, problem))
}

/// What starts all of it again: the program with the tray, or the `AppImage` that both lie in.
pub fn tray(environment: &Environment) -> io::Result<PathBuf> {
    let own = env::current_exe()?;
    Ok(image_of(&own, environment).unwrap_or_else(|| beside(&own, TRAY)))
}

/// By name rather than by its own path, which Linux calls deleted once an update has replaced it.
fn beside(own: &Path, name: &str) -> PathBuf {
    own.with_file_name(format!("{name}{}", env::consts::EXE_SUFFIX))
}

/// The image whose variables hold for this program: one that is started from another image inherits that one's.
fn image_of(own: &Path, environment: &Environment) -> Option<PathBuf> {
    let mounted = environment.get("APPDIR")?;
    if own.starts_with(mounted) { environment.get("APPIMAGE").map(PathBuf::from) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(own: &str, image: &[(&str, &str)], expected: Option<&str>) {
        let environment = image.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(image_of(Path::new(own), &environment).as_deref(), expected.map(Path::new), "for {own}");
    }

    #[test]
    fn only_the_image_that_holds_the_program_is_its_image() {
        check("/usr/bin/pointsman-desktop", &[], None);
        let image = [("APPIMAGE", "/home/me/Pointsman.AppImage"), ("APPDIR", "/tmp/.mount_Points")];
        check("/tmp/.mount_Points/usr/bin/pointsman-desktop", &image, Some("/home/me/Pointsman.AppImage"));
        check("/usr/bin/pointsman-desktop", &image, None);
    }

    #[test]
    fn a_program_that_was_replaced_still_finds_the_other() {
        let window = beside(Path::new("/usr/bin/pointsman-desktop (deleted)"), WINDOW);
        assert_eq!(window.parent(), Some(Path::new("/usr/bin")));
        assert_eq!(window.file_stem(), Some(WINDOW.as_ref()));
    }
}
