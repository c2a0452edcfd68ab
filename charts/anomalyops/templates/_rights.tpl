{{- /* Generated from the kinds by `make generate`; do not edit. */ -}}
{{- define "anomalyops.kindRules" -}}
- apiGroups: [anomalyops.io]
  resources: [anomalyjobs, datafeeds, anomalycalendars, anomalyfilters, elasticsearchconnections]
  verbs: [get, list, watch]
# Its finalizer.
- apiGroups: [anomalyops.io]
  resources: [anomalyjobs, datafeeds, anomalycalendars, anomalyfilters]
  verbs: [patch]
- apiGroups: [anomalyops.io]
  resources: [anomalyjobs/status, datafeeds/status, anomalycalendars/status, anomalyfilters/status, elasticsearchconnections/status]
  verbs: [patch]
{{- end }}

{{- define "anomalyops.releaseRules" -}}
- apiGroups: [anomalyops.io]
  resources: [anomalyjobs, datafeeds, anomalycalendars, anomalyfilters]
  verbs: [list, patch]
{{- end }}

{{- define "anomalyops.viewRules" -}}
- apiGroups: [anomalyops.io]
  resources: [anomalyjobs, datafeeds, anomalycalendars, anomalyfilters, elasticsearchconnections]
  verbs: [get, list, watch]
{{- end }}

{{- define "anomalyops.editRules" -}}
- apiGroups: [anomalyops.io]
  resources: [anomalyjobs, datafeeds, anomalycalendars, anomalyfilters, elasticsearchconnections]
  verbs: [create, delete, deletecollection, get, list, patch, update, watch]
{{- end }}
