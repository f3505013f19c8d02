package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/catalog/folder"
)

type catalogCheckCommand struct {
	output
	Folder string `arg:"" help:"The catalog folder, which has a folder for each product."`
}

// Run prints what is wrong in the folder. It fails if there is an error, but not for warnings.
func (c catalogCheckCommand) Run(ctx context.Context) error {
	read, err := folder.Local(c.Folder).Read(ctx)
	if err != nil {
		return err
	}
	if err := c.print(os.Stdout, checkedJSON(read), func(w io.Writer) { printChecked(w, c.Folder, read) }); err != nil {
		return err
	}
	if failed, _ := severities(read.Problems); failed > 0 {
		return errors.New(leftOut(read, failed))
	}
	return nil
}

func severities(problems []catalog.Problem) (failed, warnings int) {
	for _, p := range problems {
		if p.Warning {
			warnings++
		} else {
			failed++
		}
	}
	return failed, warnings
}

func leftOut(read catalog.Folder, failed int) string {
	text := "the catalog folder has " + count(failed, "error")
	switch len(read.Broken) {
	case 0:
		return text
	case 1:
		return text + ", which leaves out the product " + read.Broken[0]
	}
	return text + ", which leave out the products " + strings.Join(read.Broken, ", ")
}

func checkedJSON(read catalog.Folder) map[string]any {
	products := make([]string, 0, len(read.Products))
	for _, p := range read.Products {
		products = append(products, p.Product.ID)
	}
	pages := make([]string, 0, len(read.Pages))
	for _, p := range read.Pages {
		pages = append(pages, p.Name)
	}
	failed, _ := severities(read.Problems)
	return map[string]any{
		"ok": failed == 0, "products": products, "pages": pages,
		"left_out": append([]string{}, read.Broken...), "problems": append([]catalog.Problem{}, read.Problems...),
	}
}

// printChecked prints each problem as file:line: text, which terminals and editors make a link
// of.
func printChecked(w io.Writer, dir string, read catalog.Folder) {
	for _, p := range read.Problems {
		where := oneLine(filepath.Join(dir, filepath.FromSlash(p.Where)))
		if p.Line > 0 {
			where = fmt.Sprintf("%s:%d", where, p.Line)
		}
		text := oneLine(p.Text)
		if p.Warning {
			text = "warning: " + text
		}
		fmt.Fprintln(w, wrap(where+": "+text, width(w), 4))
	}
	failed, warnings := severities(read.Problems)
	fmt.Fprintf(w, "%s and %s of the portal can be shown: %s, %s.\n",
		count(len(read.Products), "product"), count(len(read.Pages), "page"), count(failed, "error"), count(warnings, "warning"))
}
