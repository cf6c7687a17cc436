"""wrk, the load generator of Debian: what it sends, how it is run, and what it saw.

Each thread of wrk runs the same Lua script for itself. Records get ids of their own (UUIDv7: the present time, the thread, a counter), so
that nothing that is sent is there already.
"""

import dataclasses
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

_MISSING: Final = "wrk is missing: apt-get install wrk (or https://github.com/wg/wrk)"
# wrk waits this long for an answer before it counts a time-out.
_TIMEOUT_S: Final = 30

# A record as the SDK makes it of a call: payloads of 0.6 KB. __ID__, __NUMBER__ and __LEAD__ differ from record to record.
_RECORD: Final = {
    "id": "__ID__",
    "service_name": "amocrm",
    "action": "sync_lead",
    "status": "success",
    "related_entity_type": "lead",
    "related_entity_id": "__LEAD__",
    "request_payload": {
        "method": "POST",
        "url": "https://example.amocrm.ru/api/v4/leads",
        "headers": {"content-type": "application/json", "x-request-id": "__NUMBER__"},
        "body": {
            "name": "Анна Иванова",
            "price": 15000,
            "custom_fields_values": [{"field_id": 12345, "values": ["x" * 60]}],
        },
    },
    "response_payload": {
        "status_code": 200,
        "headers": {"content-type": "application/json", "server": "nginx"},
        "body": {"_links": {"self": {"href": "https://example.amocrm.ru"}}, "id": 4711, "text": "y" * 120},
        "ttfb_ms": 123,
    },
    "duration_ms": 140,
}

_SCRIPT: Final = """\
local all = {}
function setup(thread)
  thread:set("number", #all)
  table.insert(all, thread)
end

local headers = {["Authorization"] = "Bearer @KEY@", ["Content-Type"] = "@TYPE@"}
local pieces = @PIECES@
local count, salt = 0, 0
local acknowledged = nil
-- Not local: they are read when all is done.
refused, failed = 0, 0

function init(args)
  -- Of the clock and of an address in memory: no two runs of one second begin alike.
  salt = (os.time() * 7919 + tonumber(tostring({}):sub(-6), 16)) % 65536
  if "@ACKNOWLEDGED@" ~= "" then acknowledged = io.open("@ACKNOWLEDGED@" .. number, "w") end
end

local function record()
  count = count + 1
  local milliseconds = os.time() * 1000 + count % 1000
  local first = string.format("%012x", milliseconds)
  local id = first:sub(1, 8) .. "-" .. first:sub(9, 12)
    .. string.format("-7%03x-8%03x-%04x%08x", count % 4096, number, salt, count % 4294967296)
  local values = {ID = id, NUMBER = string.format("%022d", count), LEAD = tostring(count % 5000)}
  local parts = {}
  for place = 1, #pieces do
    parts[place] = values[pieces[place]] or pieces[place]
  end
  return table.concat(parts)
end

function request()
  local lines = {}
  for line = 1, @RECORDS@ do lines[line] = record() end
  return wrk.format("POST", nil, headers, table.concat(lines, "\\n"))
end
"""

_PACED: Final = """
-- In milliseconds, before each request of a connection.
function delay() return @DELAY@ end
"""

_NOTED: Final = """
function response(status, _, body)
  if status == 200 then
    for id in body:gmatch('"(%x+%-%x+%-%x+%-%x+%-%x+)"') do acknowledged:write(id, "\\n") end
    acknowledged:flush()
  elseif status == 429 then refused = refused + 1
  else failed = failed + 1 end
end
"""

_DONE: Final = """
function done(summary, latency, requests)
  local refused, failed = 0, 0
  for _, thread in ipairs(all) do
    refused = refused + thread:get("refused")
    failed = failed + thread:get("failed")
  end
  io.write(string.format(
    '\\nRESULT {"requests": %d, "duration_us": %d, "errors": %d, "broken": %d, "p50_us": %d, "p99_us": %d, "refused": %d, "failed": %d}\\n',
    summary.requests, summary.duration, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99), refused, failed))
end
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Load:
    """What wrk is to do."""

    #: records in a request; one is JSON, more are NDJSON
    records: int = 1
    connections: int
    threads: int = 1
    #: pause of each connection before each request; 0 for none
    delay_ms: int = 0
    #: files to which the acknowledged ids are written, a thread's number follows; None for none
    acknowledged: Path | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Seen:
    """What wrk saw. Times are those of its closed loop: a connection waits for its answer before it sends again."""

    requests: int
    duration_us: int
    #: answers whose status is 400 or above
    errors: int
    #: connections that could not be made, were lost, or had no answer in time
    broken: int
    p50_us: int
    p99_us: int
    #: 429 and other errors apart, where acknowledged ids are noted
    refused: int
    failed: int

    @property
    def per_s(self) -> float:
        """Requests that were answered well, a second."""
        return (self.requests - self.errors) / (self.duration_us / 1e6)


def check_wrk() -> None:
    """Ends the benchmark with a word on how to get wrk, where it is missing."""
    if shutil.which("wrk") is None:
        sys.exit(_MISSING)


def run_wrk(url: str, key: str, load: Load, *, seconds: float, folder: Path) -> Seen:
    """Sends records to `url` for so long. The key of the API is `key`; the script is written into `folder`."""
    return wait_for_wrk(start_wrk(url, key, load, seconds=seconds, folder=folder))


def start_wrk(url: str, key: str, load: Load, *, seconds: float, folder: Path) -> "subprocess.Popen[str]":
    """As `run_wrk`, and does not wait."""
    path = folder / f"load-{load.records}-{load.connections}-{load.delay_ms}.lua"
    path.write_text(_script(key, load), "utf-8")
    arguments = [f"-t{load.threads}", f"-c{load.connections}", f"-d{seconds:.0f}s", f"--timeout={_TIMEOUT_S}s", f"-s{path}", url]
    return subprocess.Popen(["wrk", *arguments], stdout=subprocess.PIPE, text=True)  # noqa: S603, S607 -- Debian's, from the PATH


def wait_for_wrk(process: "subprocess.Popen[str]") -> Seen:
    """What it saw, once it has ended."""
    output, _ = process.communicate()
    found = re.search(r"^RESULT (\{.*\})$", output, re.MULTILINE)
    if process.returncode != 0 or found is None:
        raise SystemExit(f"wrk failed:\n{output}")
    return Seen(**json.loads(found[1]))


def body(count: int = 1) -> str:
    """A request's body, to tell its size."""
    return "\n".join([json.dumps(_RECORD, ensure_ascii=False, separators=(",", ":"))] * count)


def _script(key: str, load: Load) -> str:
    pieces = re.split(r"__(ID|NUMBER|LEAD)__", body())
    script = _SCRIPT + (_PACED if load.delay_ms else "") + (_NOTED if load.acknowledged else "") + _DONE
    for name, value in {
        "KEY": key,
        "TYPE": "application/json" if load.records == 1 else "application/x-ndjson",
        "PIECES": "{" + ", ".join(f"[=[{piece}]=]" for piece in pieces) + "}",
        "RECORDS": str(load.records),
        "DELAY": str(load.delay_ms),
        "ACKNOWLEDGED": str(load.acknowledged or ""),
    }.items():
        script = script.replace(f"@{name}@", value)
    return script
