package deploytest

import (
	"bufio"
	"encoding/json"
	"strings"
	"testing"
)

// Pretended is a resource that Pretend has made.
type Pretended struct {
	// Address is that of the resource, such as module.a.aws_sns_topic.b["c"].
	Address string
	// Values are all its attributes. Those that only AWS knows are as the mock says, or random.
	Values map[string]any
	// After are the addresses of the resources that must exist before.
	After []string
}

// Pretend runs the one test of the folder, whose provider is a mock, so that nothing is made anywhere.
// It returns the resources by address, without data sources, and the outputs. It needs Terraform 1.7.
func (tf *Terraform) Pretend(t testing.TB) (resources map[string]Pretended, outputs map[string]any) {
	t.Helper()
	out, code := tf.Run(t, "test", "-json", "-verbose")
	var faults []string
	for lines := bufio.NewReader(strings.NewReader(out)); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			break
		}
		var said struct {
			Type    string          `json:"type"`
			State   *pretendedState `json:"test_state"`
			Message string          `json:"@message"`

			Diagnostic struct{ Address, Detail string }
		}
		if json.Unmarshal([]byte(line), &said) != nil {
			continue
		}
		switch said.Type {
		case "test_state":
			resources, outputs = said.State.read()
		case "diagnostic":
			faults = append(faults, said.Diagnostic.Address+": "+said.Message+"\n"+said.Diagnostic.Detail+"\n")
		}
	}
	if code != 0 || resources == nil {
		t.Fatalf("terraform test ends with %d:\n%s", code, strings.Join(faults, ""))
	}
	return resources, outputs
}

type pretendedState struct {
	Root    pretendedModule `json:"root_module"`
	Outputs map[string]struct {
		Value any `json:"value"`
	} `json:"outputs"`
}

func (s pretendedState) read() (map[string]Pretended, map[string]any) {
	resources, outputs := map[string]Pretended{}, map[string]any{}
	s.Root.collect(resources)
	for name, output := range s.Outputs {
		outputs[name] = output.Value
	}
	return resources, outputs
}

type pretendedModule struct {
	Resources []struct {
		Address string         `json:"address"`
		Mode    string         `json:"mode"`
		Values  map[string]any `json:"values"`
		After   []string       `json:"depends_on"`
	} `json:"resources"`
	Children []pretendedModule `json:"child_modules"`
}

func (m pretendedModule) collect(into map[string]Pretended) {
	for _, r := range m.Resources {
		if r.Mode == "managed" {
			into[r.Address] = Pretended{r.Address, r.Values, r.After}
		}
	}
	for _, child := range m.Children {
		child.collect(into)
	}
}
