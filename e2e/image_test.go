// This file runs the container image without a container engine.

package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/apigateway"

	"github.com/gatehouse-portal/gatehouse/demo"
	"github.com/gatehouse-portal/gatehouse/local"
	"github.com/gatehouse-portal/gatehouse/localaws"
)

// The image's user has no right to change anything there, and the programs find nothing of this machine.
func TestTheImageRunsAsAnotherUserOnAFileSystemThatItCannotChange(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("NOT RUN: only root on Linux can start a program with another root folder")
	}
	root, user := unpackImage(t, packedImage(t))
	cloud := startCloud(t)
	made := createStacks(t, cloud, nil)
	within := func(env []string, args ...string) *exec.Cmd {
		cmd := exec.Command("/bin/"+args[0], args[1:]...)
		cmd.Path, cmd.Dir, cmd.Env = "/bin/"+args[0], "/", slices.Concat(env, freePorts)
		// No file says there which address localhost is.
		for i := range cmd.Env {
			cmd.Env[i] = strings.ReplaceAll(cmd.Env[i], "http://localhost:", "http://127.0.0.1:")
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: user, Gid: user}}
		return cmd
	}
	portalEnv, workerEnv := made.environment(t, cloud, "PortalTask", "portal"), made.environment(t, cloud, "WorkerTask", "worker")
	if out, err := within(workerEnv, "gatehouse", "setup").CombinedOutput(); err != nil {
		t.Fatalf("set-up: %v: %s", err, out)
	}
	s := &site{aws: cloud.AWSConfig(), Portal: local.Portal{AWSURL: cloud.Endpoint()}}
	s.aws.Region = localaws.Region
	if _, err := demo.Install(t.Context(), apigateway.NewFromConfig(s.aws), cloud.Endpoint()+"/demo-api"); err != nil {
		t.Fatal(err)
	}
	worker := startCommand(t, within(workerEnv, "worker"), 1, "worker")
	portal := startCommand(t, within(portalEnv, "api"), 2, "api")
	s.PortalURL = portal.portal
	s.waitForCatalog(t)
	person{t: t, base: s.PortalURL}.do(http.MethodGet, "/apis", "").want(http.StatusOK)
	portal.terminate()
	worker.terminate()
	portal.waitForExit()
	worker.waitForExit()
}

// packedImage is what `make image` made, read as an OCI archive. Without it the test is skipped, or fails if
// GATEHOUSE_REQUIRE lists image.
func packedImage(t *testing.T) []byte {
	t.Helper()
	archive, err := os.ReadFile("../bin/gatehouse-image.tar")
	if errors.Is(err, fs.ErrNotExist) && !slices.Contains(strings.Split(os.Getenv("GATEHOUSE_REQUIRE"), ","), "image") {
		t.Skip("NOT RUN: there is no container image; run make image")
	}
	if err != nil {
		t.Fatalf("reading the container image: %v", err)
	}
	return archive
}

// unpackImage unpacks this machine's image of an OCI archive into a folder, and returns its user.
func unpackImage(t *testing.T, archive []byte) (root string, user uint32) {
	t.Helper()
	blobs := map[string][]byte{}
	eachFile(t, archive, func(h *tar.Header, content []byte) { blobs[h.Name] = content })
	blob := func(digest string) []byte { return blobs["blobs/"+strings.Replace(digest, ":", "/", 1)] }
	read := func(text []byte, into any) {
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
	}
	var index struct {
		Manifests []struct {
			Digest   string
			Platform struct{ Architecture string }
		}
	}
	read(blobs["index.json"], &index)
	digest := ""
	for _, one := range index.Manifests {
		if one.Platform.Architecture == runtime.GOARCH {
			digest = one.Digest
		}
	}
	if digest == "" {
		t.Fatalf("the archive has no image for %s: %s", runtime.GOARCH, blobs["index.json"])
	}
	var manifest struct {
		Config struct{ Digest string }
		Layers []struct{ Digest string }
	}
	read(blob(digest), &manifest)
	var config struct{ Config struct{ User json.Number } }
	read(blob(manifest.Config.Digest), &config)
	// The system's own folder for temporary files lets every user in, and the test's does not.
	root, err := os.MkdirTemp(scratch, "root-")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{scratch, root} {
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, layer := range manifest.Layers {
		unzipped, err := gzip.NewReader(bytes.NewReader(blob(layer.Digest)))
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(unzipped)
		if err != nil {
			t.Fatal(err)
		}
		eachFile(t, content, func(h *tar.Header, content []byte) { place(t, filepath.Join(root, h.Name), h, content) })
	}
	n, err := config.Config.User.Int64()
	if err != nil || n == 0 {
		t.Fatalf("the image's user is %q", config.Config.User)
	}
	return root, uint32(n)
}

func eachFile(t *testing.T, archive []byte, visit func(*tar.Header, []byte)) {
	t.Helper()
	r := tar.NewReader(bytes.NewReader(archive))
	for {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		visit(header, content)
	}
}

func place(t *testing.T, path string, h *tar.Header, content []byte) {
	t.Helper()
	var err error
	if h.Typeflag == tar.TypeDir {
		err = os.Mkdir(path, os.FileMode(h.Mode))
	} else {
		err = os.WriteFile(path, content, os.FileMode(h.Mode))
	}
	if err != nil {
		t.Fatal(err)
	}
}
