//! The example of a service of one's own does what it says.

#[path = "../../examples/embed.rs"]
mod example;

#[test]
fn the_example_runs() {
    example::main().unwrap();
}
