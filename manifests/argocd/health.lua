-- How an object of anomalyops.io is, for Argo CD: after its conditions (kstatus). Lua 5.1 without libraries but ipairs.
local hs = { status = "Progressing", message = "Waiting for the operator" }
if obj.metadata.deletionTimestamp ~= nil then
  hs.message = "Being deleted"
end
local status = obj.status
if status == nil or status.conditions == nil then
  return hs
end
local conditions = {}
for _, condition in ipairs(status.conditions) do
  conditions[condition.type] = condition
end
local function is_true(type)
  return conditions[type] ~= nil and conditions[type].status == "True"
end
if is_true("Stalled") and status.observedGeneration == obj.metadata.generation then
  hs.status = "Degraded"
  hs.message = conditions.Stalled.reason .. ": " .. conditions.Stalled.message
  return hs
end
if obj.metadata.deletionTimestamp ~= nil then
  return hs
end
if status.observedGeneration ~= obj.metadata.generation then
  hs.message = "The operator has not seen this version yet"
  return hs
end
if is_true("Reconciling") then
  hs.message = conditions.Reconciling.reason .. ": " .. conditions.Reconciling.message
  return hs
end
if obj.spec ~= nil and obj.spec.suspend == true then
  hs.status = "Suspended"
  hs.message = "spec.suspend is true"
  return hs
end
local ready = conditions.Ready
if ready ~= nil and ready.status == "True" then
  hs.status = "Healthy"
  hs.message = ready.message
elseif ready ~= nil and ready.status == "False" then
  hs.status = "Degraded"
  hs.message = ready.reason .. ": " .. ready.message
elseif ready ~= nil then
  hs.message = ready.reason .. ": " .. ready.message
end
return hs
