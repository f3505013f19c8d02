package deploytest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"
)

// Manifests are Kubernetes objects as "<kind>/<name>".
type Manifests map[string]map[string]any

// ReadManifests reads the objects of deploy/kubernetes, given the path of deploy, with the changes of
// the example. An object that a file gives twice fails the test, as does a change of no object.
func ReadManifests(t testing.TB, deploy string) Manifests {
	t.Helper()
	all := Manifests{}
	base, example := filepath.Join(deploy, "kubernetes/base"), filepath.Join(deploy, "kubernetes/example")
	for _, folder := range []string{base, example} {
		k := kustomization(t, folder)
		for _, file := range k.Resources {
			if filepath.Ext(file) != ".yaml" {
				continue
			}
			for name, object := range ParseManifests(t, read(t, filepath.Join(folder, file))) {
				if all[name] != nil {
					t.Fatalf("%s is given twice", name)
				}
				all[name] = object
			}
		}
		for _, patch := range k.Patches {
			for name, change := range ParseManifests(t, read(t, filepath.Join(folder, patch.Path))) {
				if all[name] == nil {
					t.Fatalf("%s changes %s, which does not exist", patch.Path, name)
				}
				merge(all[name], change)
			}
		}
	}
	return all
}

func kustomization(t testing.TB, folder string) (k struct {
	Resources []string
	Patches   []struct{ Path string }
}) {
	t.Helper()
	if err := yaml.Unmarshal(read(t, filepath.Join(folder, "kustomization.yaml")), &k); err != nil {
		t.Fatal(err)
	}
	return k
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// ParseManifests reads a file of objects.
func ParseManifests(t testing.TB, text []byte) Manifests {
	t.Helper()
	all := Manifests{}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var object map[string]any
		err := decoder.Decode(&object)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		meta, _ := object["metadata"].(map[string]any)
		name := fmt.Sprintf("%v/%v", object["kind"], meta["name"])
		if all[name] != nil {
			t.Fatalf("%s is given twice", name)
		}
		all[name] = object
	}
}

func merge(into, change map[string]any) {
	for key, value := range change {
		is, isMap := into[key].(map[string]any)
		given, givenMap := value.(map[string]any)
		if isMap && givenMap {
			merge(is, given)
			continue
		}
		into[key] = value
	}
}

// Find follows keys of maps, and indexes of lists, into an object. It returns nil if there is nothing.
func Find(object any, keys ...any) any {
	for _, key := range keys {
		switch k := key.(type) {
		case string:
			m, _ := object.(map[string]any)
			object = m[k]
		case int:
			l, _ := object.([]any)
			if k >= len(l) {
				return nil
			}
			object = l[k]
		}
	}
	return object
}

// Container is the container of a deployment, which must have one.
func (m Manifests) Container(t testing.TB, deployment string) map[string]any {
	t.Helper()
	containers, _ := Find(m["Deployment/"+deployment], "spec", "template", "spec", "containers").([]any)
	if len(containers) != 1 {
		t.Fatalf("%s has %d containers", deployment, len(containers))
	}
	container, _ := containers[0].(map[string]any)
	return container
}

// Environment is the environment of a deployment's container, without secrets.
func (m Manifests) Environment(t testing.TB, deployment string) []string {
	t.Helper()
	values := map[string]string{}
	sources, _ := m.Container(t, deployment)["envFrom"].([]any)
	for _, source := range sources {
		name := fmt.Sprint(Find(source, "configMapRef", "name"))
		data, ok := Find(m["ConfigMap/"+name], "data").(map[string]any)
		if !ok {
			t.Fatalf("%s reads %s, which does not exist", deployment, name)
		}
		for key, value := range data {
			text, isText := value.(string)
			if _, twice := values[key]; twice || !isText {
				t.Fatalf("%s: %s is %v, and must be one text", name, key, value)
			}
			values[key] = text
		}
	}
	var env []string
	for _, key := range slices.Sorted(maps.Keys(values)) {
		env = append(env, key+"="+values[key])
	}
	return env
}
