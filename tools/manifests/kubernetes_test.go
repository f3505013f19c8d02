// Package manifests checks the files of deploy/kubernetes and deploy/compose as the programs that take
// them do.
package manifests

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
)

func decoder(t *testing.T) runtime.Decoder {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme, appsv1.AddToScheme, autoscalingv2.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
}

func TestManifestsHaveOnlyFieldsThatKubernetesKnows(t *testing.T) {
	t.Parallel()
	strict := decoder(t)
	files, err := filepath.Glob("../../deploy/kubernetes/*/*.yaml")
	if err != nil || len(files) < 8 {
		t.Fatalf("the manifests are %q (%v)", files, err)
	}
	for _, file := range files {
		if filepath.Base(file) == "kustomization.yaml" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		reader := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
		for {
			document, err := reader.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := strict.Decode(document, nil, nil); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}

func TestUnknownAndMistypedFieldsAreFound(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"an unknown field": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndate: {}\n",
		"a field twice":    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {}\ndata: {}\n",
		"a number as text": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {A: 1}\n",
		"an unknown kind":  "apiVersion: v1\nkind: ConfigMaps\nmetadata: {name: a}\n",
	} {
		if _, _, err := decoder(t).Decode([]byte(text), nil, nil); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
