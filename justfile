# The style, and the unit and contract tests.
test:
    scripts/test quick

# Everything that must pass.
check:
    scripts/test

lint:
    scripts/lint

format:
    swift format --in-place --recursive --parallel Sources Tests Package.swift

build:
    swift build -c release --product everyline

demo:
    scripts/demo
