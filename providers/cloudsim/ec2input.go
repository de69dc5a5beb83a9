package cloudsim

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// listOf gives the numbered names "prefix.1", "prefix.2", ... for which the form has values or members.
func listOf(form url.Values, prefix string) []string {
	var out []string
	for n := 1; ; n++ {
		name := prefix + "." + strconv.Itoa(n)
		present := form.Has(name)
		for key := range form {
			present = present || strings.HasPrefix(key, name+".")
		}
		if !present {
			return out
		}
		out = append(out, name)
	}
}

// valuesOf gives the values of "prefix.1", "prefix.2", ...
func valuesOf(form url.Values, prefix string) []string {
	var out []string
	for _, name := range listOf(form, prefix) {
		out = append(out, form.Get(name))
	}
	return out
}

// filter is one EC2 filter: any of its values must match, with * and ?.
type filter struct {
	name   string
	values []string
}

func filtersOf(form url.Values) []filter {
	var out []filter
	for _, name := range listOf(form, "Filter") {
		out = append(out, filter{form.Get(name + ".Name"), valuesOf(form, name+".Value")})
	}
	return out
}

// filterable is something EC2 filters choose among: the values it has for a filter's name, and whether there is such a
// filter at all.
type filterable interface {
	filterValues(name string) (values []string, known bool)
}

// choose keeps what every filter of the call matches.
func choose[T filterable](c *awsCall, all []T) ([]T, *awsError) {
	filters := filtersOf(c.form)
	for _, f := range filters {
		var sample T
		if _, known := sample.filterValues(f.name); !known {
			return nil, &awsError{http.StatusBadRequest, "InvalidParameterValue", "The filter '" + f.name + "' is invalid"}
		}
		if len(f.values) == 0 {
			return nil, &awsError{http.StatusBadRequest, "InvalidParameterValue", "The filter '" + f.name + "' has no values"}
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(one T) bool {
		return slices.ContainsFunc(filters, func(f filter) bool { return !f.match(one) })
	}), nil
}

func (f filter) match(one filterable) bool {
	values, _ := one.filterValues(f.name)
	return slices.ContainsFunc(values, func(value string) bool {
		return slices.ContainsFunc(f.values, func(want string) bool { return glob(want, value) })
	})
}

func tagFilter(name string, tags map[string]string) (values []string, known bool) {
	if key, ok := strings.CutPrefix(name, "tag:"); ok {
		if value, has := tags[key]; has {
			return []string{value}, true
		}
		return nil, true
	}
	if name != "tag-key" {
		return nil, false
	}
	for key := range tags {
		values = append(values, key)
	}
	return values, true
}

// page cuts one page out of all by MaxResults and NextToken and gives the token of the next page.
func page[T any](c *awsCall, all []T, least, most int) (part []T, next string, refused *awsError) {
	start, size := 0, len(all)
	if token := c.form.Get("NextToken"); token != "" {
		raw, err := base64.RawURLEncoding.DecodeString(token)
		at, bad := strconv.Atoi(string(raw))
		if err != nil || bad != nil || at > len(all) || at < 0 {
			return nil, "", &awsError{http.StatusBadRequest, "InvalidPaginationToken", "The specified pagination token is not valid or is expired."}
		}
		start = at
	}
	if text := c.form.Get("MaxResults"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < least || n > most {
			return nil, "", &awsError{http.StatusBadRequest, "InvalidParameterValue",
				"Value ( " + text + " ) for parameter maxResults is invalid. Expecting a value between " + strconv.Itoa(least) + " and " + strconv.Itoa(most) + "."}
		}
		size = n
	}
	end := min(start+size, len(all))
	if end < len(all) {
		next = base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(end)))
	}
	return all[start:end], next, nil
}

var (
	instanceIDShape = regexp.MustCompile(`^i-([0-9a-f]{8}|[0-9a-f]{17})$`)
	imageIDShape    = regexp.MustCompile(`^ami-([0-9a-f]{8}|[0-9a-f]{17})$`)
)

// instances finds the instances the call names, all of the region when it names none.
func (c *awsCall) instances(ids []string) ([]*Instance, *awsError) {
	var out []*Instance
	if len(ids) == 0 {
		for i := range c.account.Instances {
			if c.account.Instances[i].Region == c.region {
				out = append(out, &c.account.Instances[i])
			}
		}
		return out, nil
	}
	var missing []string
	for _, id := range ids {
		if !instanceIDShape.MatchString(id) {
			return nil, &awsError{http.StatusBadRequest, "InvalidInstanceID.Malformed", `Invalid id: "` + id + `"`}
		}
		in := c.account.instance(c.region, id)
		if in == nil {
			missing = append(missing, id)
			continue
		}
		out = append(out, in)
	}
	switch len(missing) {
	case 0:
		return out, nil
	case 1:
		return nil, &awsError{http.StatusBadRequest, "InvalidInstanceID.NotFound", "The instance ID '" + missing[0] + "' does not exist"}
	}
	return nil, &awsError{http.StatusBadRequest, "InvalidInstanceID.NotFound", "The instance IDs '" + strings.Join(missing, ", ") + "' do not exist"}
}
