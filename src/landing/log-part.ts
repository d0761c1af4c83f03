/**
 * The part of a failed lane's log that matters, at most `maxBytes`: its end, since that is where
 * most tools say what failed. Where the last line that looks like a fault lies further up, as with
 * tools that print long summaries, the lines around it and a shorter end. Whole lines, except
 * where one line alone is too long.
 */
export function partThatMatters(log: string, maxBytes: number): string {
  const lines = log.replace(/\s+$/, "").split("\n");
  const end = linesBefore(lines, lines.length, maxBytes);
  const fault = lines.findLastIndex((line) => looksLikeFault.test(line));
  if (fault === -1 || fault >= end.from) return end.lines.join("\n");
  const tail = linesBefore(lines, lines.length, Math.floor(maxBytes / 3));
  const upTo = Math.min(tail.from, fault + linesAfterFault);
  const room = maxBytes - byteCount(tail.lines) - gap.length - 2;
  const around = linesBefore(lines, upTo, room, fault + 1);
  return [...around.lines, gap, ...tail.lines].join("\n");
}

const gap = "[...]";
const linesAfterFault = 8;

/** Used only to choose a place in the log, never to judge a lane. */
const looksLikeFault =
  /\b(error|fail(ed|ure|ing)?|panic(ked)?|exception|traceback|assert\w*|fatal|not ok|undefined reference)\b|[✗✖×]/i;

/** The last lines before `end` that fit; `mustHave` lines are reached by dropping later ones. */
function linesBefore(
  lines: readonly string[],
  end: number,
  maxBytes: number,
  mustHave = end,
): { readonly from: number; readonly lines: readonly string[] } {
  const last = byteCount(lines.slice(mustHave - 1, end)) <= maxBytes ? end : mustHave;
  const kept: string[] = [];
  let room = maxBytes;
  for (let at = last - 1; at >= 0; at -= 1) {
    const line = lines[at] ?? "";
    room -= Buffer.byteLength(line) + 1;
    if (room >= 0) {
      kept.unshift(line);
      continue;
    }
    if (kept.length > 0) break;
    kept.unshift(endOfLine(line, maxBytes));
    return { from: at, lines: kept };
  }
  return { from: last - kept.length, lines: kept };
}

function endOfLine(line: string, maxBytes: number): string {
  const bytes = Buffer.from(line);
  let start = Math.max(0, bytes.length - maxBytes + 3);
  while (start < bytes.length && ((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return `…${bytes.subarray(start).toString("utf8")}`;
}

function byteCount(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
}
