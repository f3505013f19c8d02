package manifests

import (
	"slices"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
)

func TestComposeReadsTheComposeFile(t *testing.T) {
	t.Parallel()
	const folder = "../../deploy/compose/"
	options, err := cli.NewProjectOptions([]string{folder + "compose.yaml"}, cli.WithEnvFiles(folder+"example.env"), cli.WithDotEnv, cli.WithProfiles([]string{"tls"}))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	names := project.ServiceNames()
	slices.Sort(names)
	if !slices.Equal(names, []string{"caddy", "portal", "worker"}) {
		t.Errorf("the services are %q", names)
	}
	portal := project.Services["portal"]
	if got := portal.Environment["GATEHOUSE_BASE_URL"]; got == nil || *got != "https://portal.example.com" {
		t.Errorf("the portal's base URL is %v", got)
	}
	if portal.StopGracePeriod == nil || time.Duration(*portal.StopGracePeriod) != 30*time.Second || int64(portal.MemLimit) != 1<<30 {
		t.Errorf("the portal has %v to stop, and %d bytes", portal.StopGracePeriod, portal.MemLimit)
	}
	if got := *portal.Environment["GATEHOUSE_OIDC_SIGN_OUT_URL"]; got != "https://acme-111122223333.auth.eu-west-1.amazoncognito.com/logout?client_id={client_id}&logout_uri={return_url}" {
		t.Errorf("the sign-out URL is %s", got)
	}
}

func TestComposeDemandsWhatHasNoDefault(t *testing.T) {
	t.Parallel()
	options, err := cli.NewProjectOptions([]string{"../../deploy/compose/compose.yaml"}, cli.WithEnv([]string{"GATEHOUSE_IMAGE=a"}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := options.LoadProject(t.Context()); err == nil {
		t.Error("it is complete without AWS_REGION")
	}
}
