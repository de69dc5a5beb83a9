package cloudsim

import (
	"net/http"
	"strings"
)

// bigQueryDiscovery answers with the description of BigQuery's API that bq builds its client from. Like Google's own it is
// public: it asks for no token.
type bigQueryDiscovery struct{}

// What a query string may hold, by the method.
var bigQueryQueries = map[string]string{
	"projects.list": "maxResults pageToken", "datasets.list": "all filter maxResults pageToken", "datasets.get": "datasetView accessPolicyVersion",
	"tables.list": "maxResults pageToken", "tables.get": "selectedFields view", "tabledata.list": "maxResults pageToken selectedFields startIndex",
	"jobs.list": "allUsers maxCreationTime maxResults minCreationTime pageToken parentJobId projection stateFilter", "jobs.get": "location",
	"jobs.getQueryResults": "location maxResults pageToken startIndex timeoutMs",
}

func (bigQueryDiscovery) plan(r *request) func() reply {
	r.entry.Action = "bigquery.discovery"
	if r.Method != http.MethodGet || r.rest != "/rest" || r.URL.Query().Get("version") != "v2" {
		return func() reply { return (&gcpCall{request: r}).fail(gcpNotFoundURL()) }
	}
	return func() reply { return jsonReply(bigQueryDocument(r.base)) }
}

func (bigQueryDiscovery) refusal(r *request, status int, code, message string) reply {
	return (&gcpCloud{}).refusal(r, status, code, message)
}

// bigQueryDocument describes the routes.
func bigQueryDocument(base string) map[string]any {
	resources := map[string]any{}
	for _, route := range bigQueryRoutes {
		resource, verb, _ := strings.Cut(strings.TrimPrefix(route.action, "bigquery."), ".")
		if resources[resource] == nil {
			resources[resource] = map[string]any{"methods": map[string]any{}}
		}
		methods := resources[resource].(map[string]any)["methods"].(map[string]any)
		methods[verb] = route.describe(resource + "." + verb)
	}
	return map[string]any{
		"kind": "discovery#restDescription", "discoveryVersion": "v1", "id": "bigquery:v2", "name": "bigquery", "version": "v2", "protocol": "rest",
		"rootUrl": base + "/", "servicePath": "bigquery/v2/", "basePath": "/bigquery/v2/", "baseUrl": base + "/bigquery/v2/",
		"batchPath": "batch/bigquery/v2", "schemas": map[string]any{"Any": map[string]any{"id": "Any", "type": "object"}}, "resources": resources,
	}
}

// describe writes one method the way discovery documents do: {dataset} becomes {+datasetId}.
func (r gcpRoute) describe(name string) map[string]any {
	path, order := strings.TrimPrefix(r.pattern, "/"), []string{}
	parameters := map[string]any{}
	for _, word := range []string{"project", "dataset", "table", "job"} {
		if !strings.Contains(path, "{"+word+"}") {
			continue
		}
		path = strings.ReplaceAll(path, "{"+word+"}", "{+"+word+"Id}")
		parameters[word+"Id"] = map[string]any{"type": "string", "location": "path", "required": true}
		order = append(order, word+"Id")
	}
	for word := range strings.FieldsSeq(bigQueryQueries[name]) {
		parameters[word] = map[string]any{"type": "string", "location": "query"}
	}
	method := map[string]any{"id": "bigquery." + name, "httpMethod": r.method, "path": path, "parameters": parameters, "parameterOrder": order, "response": map[string]any{"$ref": "Any"}}
	if r.method == http.MethodPost {
		method["request"] = map[string]any{"$ref": "Any"}
		method["supportsMediaUpload"] = true
		method["mediaUpload"] = map[string]any{"accept": []string{"*/*"}, "protocols": map[string]any{"simple": map[string]any{"multipart": true, "path": "/upload/bigquery/v2/" + path}}}
	}
	return method
}
