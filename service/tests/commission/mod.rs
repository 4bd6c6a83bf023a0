//! Commission: what is earned, given back, held, corrected and explained.

mod earning;
mod explained;
mod finance;
mod going_back;
