"""The files of a ZHIVA local PACS with the users, lists and sample passwords of its guide, and a filter that says what its own says."""

ORTHANC_JSON = """\
{
  // The name that other stations see
  "Name" : "Local PACS",
  "RemoteAccessAllowed": true,
  "RemoteAccessEnabled": true,
  "AuthenticationEnabled": true,
  /* At least one user for each
     of the three roles: "nobody": "here" */
  "RegisteredUsers": {
    "zhiva-admin": "Gf3hDbjY6HkdDsRh",
    "zhiva-editor": "oAm5Ns78DsdE6MNy",
    "zhiva": "3$yc$XYQhSA55bJf"
  },
  "DicomWeb": {
    "Enable": true,
    "Root": "/pacs/",
    "Servers" : {
      "zhiva" : [ "http://localhost:8042/pacs/", "zhiva-admin", "Gf3hDbjY6HkdDsRh" ]
    }
  },
  "LuaScripts": [ "/scripts/IncomingHttpRequestFilter.lua" ],
  "HttpPort": 8042
}
"""

LUA = """\
-- local viewers = {'mallory'}
local viewers = {'zhiva', 'zhiva-editor'}
local editors = {'zhiva-editor'}
local admins = {'zhiva-admin'}

local function contains(list, name)
  for _, each in ipairs(list) do
    if each == name then return true end
  end
  return false
end

function IncomingHttpRequestFilter(method, uri, ip, username, httpHeaders)
  if method == 'GET' and contains(viewers, username) then
    return true
  end
  if contains(admins, username) then
    return true
  end
  if string.find(uri, 'tools/') then
    return false
  end
  if method == 'POST' and contains(editors, username) then
    return true
  end
  return false
end
"""

SAMPLE_PASSWORDS = {
    "zhiva-admin": "Gf3hDbjY6HkdDsRh",
    "zhiva-editor": "oAm5Ns78DsdE6MNy",
    "zhiva": "3$yc$XYQhSA55bJf",
}

SOURCES = {"zhiva:orthanc.json": ORTHANC_JSON, "zhiva:IncomingHttpRequestFilter.lua": LUA}
