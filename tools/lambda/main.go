// Command lambda builds cmd/lambda for AWS Lambda and packs it into a zip for each architecture. Clones
// of the same commit make the same zip, byte by byte, in any folder. The program has the commit in it,
// so sources without a Git repository make another one.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
)

const usage = `Usage: lambda -sources FOLDER -out FOLDER [-architectures LIST]

The sources are Gatehouse's module. For each architecture of the list, arm64
and amd64, lambda-ARCHITECTURE.zip is written to the other folder. A function
of AWS Lambda with the runtime provided.al2023 takes it.
`

func main() {
	sources := flag.String("sources", "", "folder of Gatehouse's module")
	out := flag.String("out", "", "folder for the zips")
	architectures := flag.String("architectures", "arm64 amd64", "architectures, separated by spaces")
	flag.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *sources, *out, strings.Fields(*architectures)); err != nil {
		fmt.Fprintf(os.Stderr, "lambda: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, sources, out string, architectures []string) error {
	if sources == "" || out == "" || len(architectures) == 0 {
		return fmt.Errorf("-sources, -out and an architecture are needed; see -help")
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	for _, architecture := range architectures {
		program, err := build(ctx, sources, architecture)
		if err != nil {
			return err
		}
		zipped, err := pack(program)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(out, "lambda-"+architecture+".zip"), zipped, 0o644); err != nil {
			return err
		}
	}
	return nil
}
