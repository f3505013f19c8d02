package catalog

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// readSDKs has API Gateway generate the SDKs that product folders want, like readExports.
func (r *Reader) readSDKs(ctx context.Context, p progress) (progress, error) {
	if p.Generating.IsZero() {
		p.Generating = r.Now()
		return p, nil
	}
	found, err := r.parts(ctx, p)
	if err != nil {
		return p, err
	}
	known, err := recall[generated](ctx, r, schema.CatalogSDKs())
	if err != nil {
		return p, err
	}
	begun := r.Now()
	var required map[string][]string
	wanted := wantedSDKs(assemble(found, r.Endpoint).SDKs)
	failedLast(wanted, func(sdk wantedSDK) memory[generated] { return known[sdk.name()] })
	for _, sdk := range wanted {
		last, version := known[sdk.name()], found.versions[sdk.stage]
		if last.Value.upToDate(p, last, version) {
			continue
		}
		if r.Now().Sub(p.Generating) >= generateTime {
			return p.unfinished(askedSDKs), nil
		}
		if r.Now().Sub(begun) >= stepTime {
			return p, nil
		}
		if required == nil {
			if required, err = r.Source(ctx).SDKTypes(ctx); err != nil {
				return r.failedCall(ctx, p, askedSDKs, sdk.name(), last.Value, err)
			}
		}
		next, err := r.sdk(ctx, sdk, found.apis[sdk.stage.API].Name, required, version, last.Value)
		if err != nil {
			return r.failedCall(ctx, p, askedSDKs, sdk.name(), last.Value, err)
		}
		if err := remember(ctx, r, schema.CatalogSDKs(), sdk.name(), next, kept); err != nil {
			return p, err
		}
		p.Failures = 0
	}
	return p.to(keep), nil
}

type wantedSDK struct {
	stage portal.Stage
	kind  string
}

func (w wantedSDK) name() string { return stageName(w.stage) + "," + w.kind }

func wantedSDKs(all map[portal.Stage][]string) (list []wantedSDK) {
	for _, stage := range slices.SortedFunc(maps.Keys(all), compareStages) {
		for _, kind := range all[stage] {
			list = append(list, wantedSDK{stage, kind})
		}
	}
	return list
}

func (r *Reader) sdk(ctx context.Context, of wantedSDK, api string, required map[string][]string, version string, last generated) (generated, error) {
	next := generated{Version: version, Hash: last.Hash, File: last.File}
	names, ok := required[of.kind]
	if !ok {
		next.Problem = fmt.Sprintf("API Gateway does not generate SDKs of the type %q. It knows %s.", of.kind, strings.Join(sortedKeys(required), ", "))
		return next, nil
	}
	parameters := map[string]string{}
	for _, name := range names {
		if parameters[name] = sdkParameter(name, api); parameters[name] == "" {
			next.Problem = fmt.Sprintf("API Gateway requires the parameter %q for an SDK of the type %s, and this version of Gatehouse does not know it.", name, of.kind)
			return next, nil
		}
	}
	sdk, err := r.Source(ctx).SDK(ctx, of.stage, of.kind, parameters)
	var refused *gateway.Refused
	switch {
	case gateway.IsNotFound(err):
		return generated{Hash: last.Hash, File: last.File, Problem: "The stage vanished while the catalog was read."}, nil
	case errors.As(err, &refused):
		next.Problem = fmt.Sprintf("API Gateway cannot generate its SDK of the type %s. %s", of.kind, sentence(errors.New(gateway.AWSWords(err))))
		return next, nil
	case err != nil:
		return next, err
	case len(sdk.Body) == 0:
		next.Problem = fmt.Sprintf("API Gateway's SDK of the type %s is empty.", of.kind)
		return next, nil
	}
	if next.Hash, err = r.Documents.PutBlob(ctx, sdk.Body); err != nil {
		return next, portal.Postpone("an SDK cannot be stored", err)
	}
	// AWS's file name contains the time of the call.
	next.File = fmt.Sprintf("%s-%s-%s.zip", nameOf(api, "-"), of.stage.Stage, of.kind)
	return next, nil
}

// sdkParameter is the value of a parameter of GetSdk, or "". AWS spells some in two ways:
// serviceName and javaPackageName in the reference of GetSdk, with dots in AWS's own programs and,
// for Ruby, in the Developer Guide ("Generate SDKs for an API using AWS CLI commands"). GetSdkTypes
// answers with the names to send.
func sdkParameter(name, api string) string {
	switch name {
	case "serviceName", "service.name":
		return nameOf(api, "")
	case "javaPackageName", "java.package-name", "invokerPackage":
		return "apis." + nameOf(api, "")
	case "groupId", "java.group-id":
		return "apis"
	case "artifactId", "java.artifact-id":
		return nameOf(api, "-") + "-client"
	case "artifactVersion", "java.artifact-version":
		return "1.0.0"
	case "java.build-system":
		return "maven"
	case "ruby.gem-name":
		return nameOf(api, "-")
	case "ruby.gem-version":
		return "1.0.0"
	case "classPrefix":
		return "API"
	}
	return ""
}

func nameOf(api, separator string) string {
	name := strings.ReplaceAll(slugOf(api), "-", separator)
	if name == "" || name[0] < 'a' {
		name = "api" + name
	}
	return name
}

func (r *Reader) sdks(ctx context.Context) (map[portal.Stage][]SDK, error) {
	known, err := recall[generated](ctx, r, schema.CatalogSDKs())
	all := map[portal.Stage][]SDK{}
	for _, name := range sortedKeys(known) {
		part := strings.Split(name, ",")
		if sdk := known[name].Value; len(part) == 3 && sdk.Hash != "" {
			stage := portal.Stage{API: part[0], Stage: part[1]}
			all[stage] = append(all[stage], SDK{Type: part[2], Hash: sdk.Hash, File: sdk.File})
		}
	}
	return all, err
}

func (r *Reader) sdkProblems(ctx context.Context, wanted map[portal.Stage][]string) (problems []Problem, err error) {
	known, err := recall[generated](ctx, r, schema.CatalogSDKs())
	for _, sdk := range wantedSDKs(wanted) {
		if one := known[sdk.name()].Value; one.Problem != "" {
			problems = append(problems, one.problem(sdk.stage))
		}
	}
	return problems, err
}
