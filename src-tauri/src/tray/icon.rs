//! The icon's look: how things stand, at a glance.
//!
//! Each look differs by shape, not by colour alone. On macOS the system colours it, so the ones there are plain.

use tauri::image::Image;
use tauri::include_image;

use crate::keeper::Sight;
use pointsman_gateway::catalog::EndpointState;

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
    #[cfg(not(target_os = "macos"))]
    pub(crate) fn picture(self) -> Image<'static> {
        match self {
            Look::Serving => include_image!("../icons/tray-serving.png"),
            Look::Busy => include_image!("../icons/tray-busy.png"),
            Look::LocalOnly => include_image!("../icons/tray-local.png"),
            Look::Paused => include_image!("../icons/tray-paused.png"),
            Look::Problem => include_image!("../icons/tray-problem.png"),
        }
    }

    /// Its picture.
    #[cfg(target_os = "macos")]
    pub(crate) fn picture(self) -> Image<'static> {
        match self {
            Look::Serving => include_image!("../icons/tray-serving-template.png"),
            Look::Busy => include_image!("../icons/tray-busy-template.png"),
            Look::LocalOnly => include_image!("../icons/tray-local-template.png"),
            Look::Paused => include_image!("../icons/tray-paused-template.png"),
            Look::Problem => include_image!("../icons/tray-problem-template.png"),
        }
    }
}
