package deploytest

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// Compose is a compose file whose variables are replaced.
type Compose struct {
	Services map[string]map[string]any
	// Used are the variables that the file names.
	Used []string
}

// ReadCompose reads deploy/compose/compose.yaml, given the path of deploy, with the settings of a .env
// file. A setting that the file demands and that is empty fails the test.
func ReadCompose(t testing.TB, deploy string, settings map[string]string) Compose {
	t.Helper()
	var root yaml.Node
	if err := yaml.Unmarshal(read(t, filepath.Join(deploy, "compose/compose.yaml")), &root); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	eachText(&root, func(text string) string { return interpolate(t, text, settings, used) })
	var file struct{ Services map[string]map[string]any }
	if err := root.Decode(&file); err != nil {
		t.Fatal(err)
	}
	return Compose{file.Services, slices.Sorted(maps.Keys(used))}
}

func eachText(n *yaml.Node, change func(string) string) {
	if n.Kind == yaml.ScalarNode {
		n.Value = change(n.Value)
	}
	for _, child := range n.Content {
		eachText(child, change)
	}
}

var composeVariable = regexp.MustCompile(`\$\{([A-Z_]+)(?:(:-|:\?)([^}]*))?\}`)

func interpolate(t testing.TB, text string, settings map[string]string, used map[string]bool) string {
	t.Helper()
	return composeVariable.ReplaceAllStringFunc(text, func(found string) string {
		parts := composeVariable.FindStringSubmatch(found)
		value := settings[parts[1]]
		used[parts[1]] = true
		switch {
		case value == "" && parts[2] == ":-":
			return parts[3]
		case value == "" && parts[2] == ":?":
			t.Fatalf("%s is missing: %s", parts[1], parts[3])
		}
		return value
	})
}

// Environment is the environment of a service.
func (c Compose) Environment(t testing.TB, service string) []string {
	t.Helper()
	given, ok := c.Services[service]["environment"].(map[string]any)
	if !ok {
		t.Fatalf("the service %s has no environment", service)
	}
	var env []string
	for _, name := range slices.Sorted(maps.Keys(given)) {
		env = append(env, name+"="+fmt.Sprint(given[name]))
	}
	return env
}

// ReadSettings reads deploy/compose/example.env, given the path of deploy: what it sets, and the
// variables that it names in comments.
func ReadSettings(t testing.TB, deploy string) (set map[string]string, commented []string) {
	t.Helper()
	set = map[string]string{}
	for line := range strings.Lines(string(read(t, filepath.Join(deploy, "compose/example.env")))) {
		line = strings.TrimSpace(line)
		name, value, pair := strings.Cut(strings.TrimPrefix(line, "# "), "=")
		switch {
		case !pair || strings.Contains(name, " "):
		case strings.HasPrefix(line, "#"):
			commented = append(commented, name)
		default:
			set[name] = value
		}
	}
	return set, commented
}
