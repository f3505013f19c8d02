package deploy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/deploy/deploytest"
	"github.com/gatehouse-portal/gatehouse/deploy/template"
)

// terraformed are the templates for which there is a module.
var terraformed = []string{"data", "permissions", "identity", "containers", "lambda", "operations", "marketplace", "trail"}

var variableLine = regexp.MustCompile(`(?m)^variable "([a-z_]+)" \{\n(?:  .*\n|\n)*?  description = "(.*)"\n`)

func TestTheModulesTakeWhatTheTemplatesTake(t *testing.T) {
	t.Parallel()
	own := map[string][]string{"data": {"name", "protect"}, "identity": {"name", "protect"}, "marketplace": {"name"}}
	for _, name := range terraformed {
		text, err := os.ReadFile(filepath.Join("terraform/modules", name, "variables.tf"))
		ok(t, err)
		want := slices.Clone(own[name])
		for parameter := range deploytest.Read(t, name).Parameters {
			want = append(want, snake(parameter))
		}
		var got []string
		for _, found := range variableLine.FindAllStringSubmatch(string(text), -1) {
			got = append(got, found[1])
			if !strings.HasSuffix(found[2], ".") {
				t.Errorf("%s: %s is described as %q", name, found[1], found[2])
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-template +module):\n%s", name, diff)
		}
	}
}

var (
	variableBlock = regexp.MustCompile(`(?ms)^variable "([a-z_]+)" \{\n(.*?)^\}`)
	defaultLine   = regexp.MustCompile(`(?m)^  default +=(.*)$`)
)

// Terraform's flags stand for other values here.
var flags = map[string]string{"internet-facing": "false", "internal": "true", "ENABLED": "true", "DISABLED": "false"}

func TestTheModulesHaveTheDefaultsAndLimitsOfTheTemplates(t *testing.T) {
	t.Parallel()
	for _, name := range terraformed {
		text, err := os.ReadFile(filepath.Join("terraform/modules", name, "variables.tf"))
		ok(t, err)
		blocks := map[string]string{}
		for _, found := range variableBlock.FindAllStringSubmatch(string(text), -1) {
			blocks[found[1]] = found[2]
		}
		for parameter, p := range deploytest.Read(t, name).Parameters {
			block := blocks[snake(parameter)]
			given := defaultLine.FindStringSubmatch(block)
			if (given == nil) != (p.Default == nil) {
				t.Errorf("%s: %s has the default %v in the template and %q in Terraform", name, parameter, p.Default, given)
			} else if given != nil {
				want := scalar(p.Default)
				if flag, ok := flags[want]; ok && !strings.Contains(block, "string") {
					want = flag
				}
				if got := strings.Trim(given[1], ` "[]`); got != want {
					t.Errorf("%s: %s has the default %s in the template and %s in Terraform", name, parameter, want, got)
				}
			}
			if p.NoEcho && !strings.Contains(block, "sensitive ") {
				t.Errorf("%s: plans show %s", name, parameter)
			}
			for _, limit := range limits(p) {
				if !strings.Contains(block, "validation {") || !strings.Contains(block, limit) {
					t.Errorf("%s: %s must be limited by %s, as in the template:\n%s", name, parameter, limit, block)
				}
			}
		}
	}
}

func scalar(value any) string {
	if number, ok := value.(float64); ok {
		return strconv.FormatFloat(number, 'f', -1, 64)
	}
	return fmt.Sprint(value)
}

// limits are what the validation of a variable must contain.
func limits(p template.Parameter) (all []string) {
	// Terraform decides itself what is a flag, a list or a name.
	if len(p.AllowedValues) > 0 && flags[scalar(p.AllowedValues[0])] == "" && scalar(p.AllowedValues[0]) != "true" && scalar(p.AllowedValues[0]) != "false" {
		for _, value := range p.AllowedValues {
			all = append(all, scalar(value))
		}
	}
	for _, number := range []*float64{p.MinValue, p.MaxValue} {
		if number != nil {
			all = append(all, scalar(*number))
		}
	}
	if p.AllowedPattern != "" && !strings.Contains(p.Type, "List") {
		pattern := p.AllowedPattern
		if strings.HasSuffix(pattern, ")?") { // "or empty" may also be a condition of its own
			pattern = strings.TrimSuffix(strings.TrimPrefix(pattern, "("), ")?")
		}
		all = append(all, pattern)
	}
	return all
}
