{{- define "anomalyops.fullname" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "anomalyops.selector" -}}
{{ include "anomalyops.selectorOf" (list . "operator") }}
{{- end }}

{{- define "anomalyops.labels" -}}
{{ include "anomalyops.labelsOf" (list . "operator") }}
{{- end }}

{{- /* Of a component of the release: given as a list of the root and the component's name. */ -}}
{{- define "anomalyops.selectorOf" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ $root.Chart.Name }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "anomalyops.labelsOf" -}}
{{- $root := index . 0 -}}
{{ include "anomalyops.selectorOf" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version }}
{{- end }}

{{- define "anomalyops.serviceAccount" -}}
{{- if .Values.serviceAccount.name }}{{ .Values.serviceAccount.name }}
{{- else if .Values.serviceAccount.create }}{{ include "anomalyops.fullname" . }}
{{- else }}default{{ end }}
{{- end }}

{{- define "anomalyops.subject" -}}
- kind: ServiceAccount
  name: {{ include "anomalyops.serviceAccount" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}

{{- /* What the operator does with its own kinds and with Events, cluster-wide or in one namespace. */ -}}
{{- define "anomalyops.rules" -}}
{{ include "anomalyops.kindRules" . }}
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{- /* Credentials of connections, one object at a time by name. */ -}}
{{- define "anomalyops.secretRules" -}}
- apiGroups: [""]
  resources: [secrets, configmaps]
  verbs: [get, watch]
{{- end }}

{{- /* ConfigMaps that filter lists and calendars read, likewise. */ -}}
{{- define "anomalyops.configMapRules" -}}
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, watch]
{{- end }}

{{- define "anomalyops.webhook" -}}
{{ include "anomalyops.fullname" . | trunc 42 | trimSuffix "-" }}-webhook
{{- end }}

{{- define "anomalyops.webhookTls" -}}
{{ .Values.webhook.tlsSecret | default (printf "%s-tls" (include "anomalyops.webhook" .)) }}
{{- end }}

{{- define "anomalyops.release" -}}
{{ include "anomalyops.fullname" . | trunc 42 | trimSuffix "-" }}-release
{{- end }}

{{- define "anomalyops.releaseSubject" -}}
- kind: ServiceAccount
  name: {{ include "anomalyops.release" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}

{{- define "anomalyops.image" -}}
{{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) | quote }}
{{- end }}

{{- define "anomalyops.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "anomalyops.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop:
    - ALL
{{- end }}

{{- define "anomalyops.engine" -}}
{{ include "anomalyops.fullname" . }}-engine
{{- end }}

{{- define "anomalyops.engineHost" -}}
{{ include "anomalyops.engine" . }}.{{ .Release.Namespace }}.svc
{{- end }}

{{- define "anomalyops.introduction" -}}
{{ include "anomalyops.fullname" . | trunc 42 | trimSuffix "-" }}-introduction
{{- end }}

{{- define "anomalyops.engineSelector" -}}
{{ include "anomalyops.selectorOf" (list . "engine") }}
{{- end }}

{{- define "anomalyops.engineLabels" -}}
{{ include "anomalyops.labelsOf" (list . "engine") }}
{{- end }}

{{- define "anomalyops.engineCredentials" -}}
{{ .Values.engine.credentialsSecret | default (printf "%s-credentials" (include "anomalyops.engine" .)) }}
{{- end }}

{{- define "anomalyops.engineTls" -}}
{{ .Values.engine.tlsSecret | default (printf "%s-tls" (include "anomalyops.engine" .)) }}
{{- end }}

{{- define "anomalyops.engineConfig" -}}
{{- $fixed := dict "data" "/data" "host" "0.0.0.0" "port" 9200 "password_file" "/etc/anomalyops/credentials/password" }}
{{- $_ := set $fixed "tls" (dict "certificate" "/etc/anomalyops/tls/tls.crt" "key" "/etc/anomalyops/tls/tls.key") }}
{{- if or .Values.metrics.service .Values.metrics.serviceMonitor }}
{{- $_ := set $fixed "metrics" (dict "port" 9114) }}
{{- end }}
{{- $log := dict "log" (dict "format" .Values.log.format "level" "warning") }}
{{- toYaml (mergeOverwrite $log (deepCopy .Values.engine.config) $fixed) }}
{{- end }}

{{- define "anomalyops.console" -}}
{{ include "anomalyops.fullname" . }}-console
{{- end }}

{{- define "anomalyops.consoleHost" -}}
{{ include "anomalyops.console" . }}.{{ .Release.Namespace }}.svc
{{- end }}

{{- define "anomalyops.consoleTls" -}}
{{ .Values.console.tlsSecret | default (printf "%s-tls" (include "anomalyops.console" .)) }}
{{- end }}

{{- /* The Secret with the authority of the server that the console is over; empty for the system's. */ -}}
{{- define "anomalyops.consoleCa" -}}
{{- if .Values.console.url }}{{ .Values.console.caSecret }}{{ else }}{{ include "anomalyops.engineTls" . }}{{ end }}
{{- end }}

{{- /* The names under which the console is asked inside of the cluster, as a list in YAML. */ -}}
{{- define "anomalyops.consoleNames" -}}
{{- $name := include "anomalyops.console" . -}}
{{- $host := include "anomalyops.consoleHost" . -}}
{{ toYaml (list $host $name (printf "%s.%s" $name .Release.Namespace) (printf "%s.cluster.local" $host)) }}
{{- end }}
