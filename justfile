# lint + build + test
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
