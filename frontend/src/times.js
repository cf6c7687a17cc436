// Moments in the reader's own time zone. The server writes them in UTC and says so; without this script that is what one reads.
const LANGUAGE = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;

const format = (options) => new Intl.DateTimeFormat(LANGUAGE, { hourCycle: "h23", ...options });
const TIME = format({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const HOUR = format({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const FULL = format({ dateStyle: "medium", timeStyle: "long" });
// Days are UTC days, as the statistics count them.
const DAY = format({ day: "numeric", month: "short", timeZone: "UTC" });
const SHORT_HOUR = format({ hour: "2-digit", minute: "2-digit" });

export function localizeTimes(root) {
  for (const time of root.querySelectorAll("time[data-form]")) {
    const at = new Date(time.dateTime);
    time.textContent = FORMS[time.dataset.form](at);
    time.title = FULL.format(at);
  }
}

const FORMS = {
  time: (at) => TIME.format(at),
  clock: (at) => (at.toDateString() === new Date().toDateString() ? TIME.format(at) : HOUR.format(at)),
  full: (at) => FULL.format(at),
  hour: (at) => HOUR.format(at),
  day: (at) => DAY.format(at),
};

// A bucket's name: short on an axis, in full where one points at it.
export function bucketName(at, step, isShort) {
  if (step === "day") {
    return DAY.format(at);
  }
  return isShort ? SHORT_HOUR.format(at) : HOUR.format(at);
}
