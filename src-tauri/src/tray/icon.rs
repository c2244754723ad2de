//! The icon's look: how things stand, at a glance.
//!
//! Each look differs by shape, not by colour alone. On macOS the system colours it, so the ones there are plain.

use std::io::Cursor;

use anyhow::Context;
use pointsman_gateway::catalog::EndpointState;
use tray_icon::Icon;

use crate::keeper::Sight;

/// How things stand. What matters more hides what matters less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// It serves, and nothing happens.
    Serving,
    /// An answer is being given.
    Busy,
    /// Nothing leaves this machine.
    LocalOnly,
    /// It refuses requests until the user goes on.
    Paused,
    /// Something wants the user's attention.
    Problem,
}

impl Look {
    /// The look of what is known.
    pub(crate) fn of(sight: &Sight) -> Look {
        let snapshot = match sight {
            Sight::Starting => return Look::Serving,
            Sight::Trouble(_) => return Look::Problem,
            Sight::Serving { snapshot, .. } => snapshot,
        };
        let wants_key = |state| state == EndpointState::NeedsKey;
        let refused = snapshot.endpoints.iter().any(|at| at.credential.is_some() && wants_key(at.state));
        if snapshot.settings_problem.is_some() || snapshot.keychain_problem.is_some() || refused {
            Look::Problem
        } else if snapshot.paused {
            Look::Paused
        } else if snapshot.open_streams > 0 {
            Look::Busy
        } else if snapshot.local_only {
            Look::LocalOnly
        } else {
            Look::Serving
        }
    }

    /// What a pointer that rests on it is told.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Look::Serving => "Pointsman serves",
            Look::Busy => "Pointsman answers",
            Look::LocalOnly => "Pointsman: nothing leaves this machine",
            Look::Paused => "Pointsman is paused",
            Look::Problem => "Pointsman: something is wrong",
        }
    }

    /// Its picture.
    pub(crate) fn picture(self) -> anyhow::Result<Icon> {
        let mut file = png::Decoder::new(Cursor::new(self.file())).read_info()?;
        let mut pixels = vec![0; file.output_buffer_size().context("the picture is too large")?];
        let frame = file.next_frame(&mut pixels)?;
        Ok(Icon::from_rgba(pixels, frame.width, frame.height)?)
    }

    #[cfg(not(target_os = "macos"))]
    fn file(self) -> &'static [u8] {
        match self {
            Look::Serving => include_bytes!("../../../icons/tray-serving.png"),
            Look::Busy => include_bytes!("../../../icons/tray-busy.png"),
            Look::LocalOnly => include_bytes!("../../../icons/tray-local.png"),
            Look::Paused => include_bytes!("../../../icons/tray-paused.png"),
            Look::Problem => include_bytes!("../../../icons/tray-problem.png"),
        }
    }

    #[cfg(target_os = "macos")]
    fn file(self) -> &'static [u8] {
        match self {
            Look::Serving => include_bytes!("../../../icons/tray-serving-template.png"),
            Look::Busy => include_bytes!("../../../icons/tray-busy-template.png"),
            Look::LocalOnly => include_bytes!("../../../icons/tray-local-template.png"),
            Look::Paused => include_bytes!("../../../icons/tray-paused-template.png"),
            Look::Problem => include_bytes!("../../../icons/tray-problem-template.png"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_look_has_a_picture() {
        for look in [Look::Serving, Look::Busy, Look::LocalOnly, Look::Paused, Look::Problem] {
            assert!(look.picture().is_ok(), "{look:?}: the file is a picture with red, green, blue and alpha");
        }
    }
}
