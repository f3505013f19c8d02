package snippet

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// runner runs programs of one language.
type runner struct {
	needs []string
	file  string
	run   func(file string) [][]string
	// adapt changes the program for an older compiler.
	adapt func(program string) string
	// print writes a program that prints the literals, each followed by NUL.
	print   func(literals []string) string
	literal func(string) string
}

var runners = map[string]runner{
	"curl": {
		needs: []string{"bash", "curl"}, file: "main.sh", literal: shellLiteral,
		run:   func(file string) [][]string { return [][]string{{"bash", file}} },
		print: func(literals []string) string { return `printf '%s\0' ` + strings.Join(literals, " ") + "\n" },
	},
	"javascript": {
		needs: []string{"node"}, file: "main.js", literal: javaScriptLiteral,
		run:   func(file string) [][]string { return [][]string{{"node", file}} },
		print: each("", `process.stdout.write(%s + "\0");`, ""),
	},
	"python": {
		needs: []string{"python3"}, file: "main.py", literal: pythonLiteral,
		run:   func(file string) [][]string { return [][]string{{"python3", file}} },
		print: each("import sys", `sys.stdout.buffer.write((%s + "\0").encode("utf-8"))`, ""),
	},
	"go": {
		needs: []string{"go"}, file: "main.go", literal: goLiteral,
		run:   func(file string) [][]string { return [][]string{{"go", "run", "-ldflags=-s -w", file}} },
		print: each("package main\nimport \"os\"\nfunc main() {", `os.Stdout.WriteString(%s + "\x00")`, "}"),
	},
	"java": {
		needs: []string{"javac", "java"}, file: "Main.java", literal: javaLiteral,
		run: func(file string) [][]string { return [][]string{append(slices.Clone(quickJava), file)} },
		print: each("public class Main { public static void main(String[] args) throws Exception {",
			`System.out.write((%s + "\0").getBytes("UTF-8"));`, "System.out.flush(); } }"),
	},
	"csharp": {
		needs: []string{"mcs", "mono"}, file: "main.cs", literal: cSharpLiteral, adapt: insideMain,
		run: func(file string) [][]string {
			program := strings.TrimSuffix(file, ".cs") + ".exe"
			return [][]string{{"mcs", "-codepage:utf8", "-r:System.Net.Http", "-out:" + program, file}, {"mono", program}}
		},
		print: each("using System;\n\nvar output = Console.OpenStandardOutput();",
			`{ var b = new System.Text.UTF8Encoding(false).GetBytes(%s + "\0"); output.Write(b, 0, b.Length); }`, "await System.Threading.Tasks.Task.Delay(0);"),
	},
	"php": {
		needs: []string{"php"}, file: "main.php", literal: phpLiteral,
		run:   func(file string) [][]string { return [][]string{{"php", file}} },
		print: each("<?php", `echo %s, "\0";`, ""),
	},
	"ruby": {
		needs: []string{"ruby"}, file: "main.rb", literal: rubyLiteral,
		run:   func(file string) [][]string { return [][]string{{"ruby", file}} },
		print: each("$stdout.binmode", `print %s, "\0"`, ""),
	},
}

// quickJava is for programs that run once: compiling them well would take longer than they do.
var quickJava = []string{"java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dfile.encoding=UTF-8"}

func each(before, line, after string) func([]string) string {
	return func(literals []string) string {
		program := before + "\n"
		for _, literal := range literals {
			program += fmt.Sprintf(line, literal) + "\n"
		}
		return program + after + "\n"
	}
}

var using = regexp.MustCompile(`(?m)\A(using [\w.]+;\n)+`)

// insideMain puts the top-level statements of C# 9 into a class, since Mono's compiler knows
// C# 7 only.
func insideMain(program string) string {
	head := using.FindString(program)
	return head + "using System.Threading.Tasks;\npublic class Program { static async Task Run() {\n" +
		program[len(head):] + "}\npublic static void Main() { Run().GetAwaiter().GetResult(); } }\n"
}

// execute runs the program and returns what it printed.
func (r runner) execute(t *testing.T, program string) string {
	t.Helper()
	if r.adapt != nil {
		program = r.adapt(program)
	}
	file := filepath.Join(t.TempDir(), r.file)
	if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer
	for _, args := range r.run(file) {
		var complaints bytes.Buffer
		output.Reset()
		command := exec.CommandContext(t.Context(), args[0], args[1:]...)
		command.Stdout, command.Stderr, command.Dir = &output, &complaints, filepath.Dir(file)
		if err := command.Run(); err != nil {
			t.Fatalf("%v: %v\n%s%s\n%s", args, err, output.String(), complaints.String(), program)
		}
	}
	return output.String()
}

// skipIfMissing skips the test if the language cannot be run here, or fails it if
// GATEHOUSE_REQUIRE lists what is missing.
func (r runner) skipIfMissing(t *testing.T) {
	t.Helper()
	for _, name := range r.needs {
		if _, err := exec.LookPath(name); err != nil {
			missing(t, name, name)
		}
	}
	if r.file == "main.py" && exec.Command("python3", "-c", "import requests").Run() != nil {
		missing(t, "requests", "requests for python3")
	}
	if r.file == "main.php" && exec.Command("php", "-r", "curl_init();").Run() != nil {
		missing(t, "php-curl", "curl for php")
	}
}

func missing(t *testing.T, name, what string) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("GATEHOUSE_REQUIRE"), ","), name) {
		t.Fatalf("%s is not installed", what)
	}
	t.Skipf("NOT RUN: %s is not installed", what)
}
