// Tells the server the reader's time zone, by a cookie. A page that was written before it was told is asked for again, once.
const COOKIE = "integration_monitor_zone";
const YEAR_S = 365 * 24 * 3600;

export function startZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const told = `${COOKIE}=${encodeURIComponent(zone)}`;
  if (isKept(told)) {
    return;
  }
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${told}; path=/; max-age=${YEAR_S}; samesite=lax${secure}`;
  const page = document.getElementById("page");
  // Forms hold times too, so the whole page; and not again and again where cookies are not kept.
  if (page && page.dataset.zone !== zone && isKept(told)) {
    location.reload();
  }
}

function isKept(cookie) {
  return document.cookie.split("; ").includes(cookie);
}
