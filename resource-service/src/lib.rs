//! Resource.
