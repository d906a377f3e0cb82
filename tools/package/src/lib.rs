//! The deployment package: what the Functions host reads, in a folder and in a zip.
//!
//! It must not build anything or know Azure; `main` builds, `azd` or `func` deploys.

pub mod archive;
pub mod glibc;
pub mod size;
pub mod stage;
