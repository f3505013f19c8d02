package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCommand struct {
	Shell string   `arg:"" enum:"bash,zsh,fish,words" help:"bash, zsh or fish."`
	Words []string `arg:"" optional:"" passthrough:"" hidden:""`
}

// The scripts call this command for the words that fit, so they stay valid in later versions.
var completionScripts = map[string]string{
	"bash": `_gatehouse() {
  local IFS=$'\n'
  COMPREPLY=($(gatehouse completion words -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _gatehouse gatehouse
`,
	"zsh": `#compdef gatehouse
_gatehouse() {
  local -a words_that_fit
  words_that_fit=("${(@f)$(gatehouse completion words -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -a words_that_fit
}
compdef _gatehouse gatehouse
`,
	"fish": `complete -c gatehouse -f -a '(set -l t (commandline -opc) (commandline -ct); gatehouse completion words -- $t[2..] 2>/dev/null)'
`,
}

func (completionCommand) Help() string {
	return `Put one of these into your shell's start-up file:

  source <(gatehouse completion bash)
  source <(gatehouse completion zsh)
  gatehouse completion fish | source`
}

// Run prints a script or, when a script calls it, the words that fit.
func (c completionCommand) Run(k *kong.Context) error {
	if c.Shell != "words" {
		_, err := io.WriteString(os.Stdout, completionScripts[c.Shell])
		return err
	}
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	for _, word := range fitting(k.Model.Node, words) {
		fmt.Fprintln(os.Stdout, word)
	}
	return nil
}

func fitting(at *kong.Node, words []string) []string {
	last := ""
	if len(words) > 0 {
		words, last = words[:len(words)-1], words[len(words)-1]
	}
	flags := slices.Clone(at.Flags)
	for _, word := range words {
		i := slices.IndexFunc(at.Children, func(child *kong.Node) bool { return child.Name == word })
		if i >= 0 {
			at = at.Children[i]
			flags = append(flags, at.Flags...)
		}
	}
	var fit []string
	add := func(word string) {
		if strings.HasPrefix(word, last) {
			fit = append(fit, word)
		}
	}
	for _, child := range at.Children {
		if !child.Hidden {
			add(child.Name)
		}
	}
	for _, arg := range at.Positional {
		for _, value := range arg.EnumSlice() {
			if value != "words" {
				add(value)
			}
		}
	}
	if strings.HasPrefix(last, "-") {
		for _, flag := range flags {
			add("--" + flag.Name)
		}
	}
	return fit
}
