/** The time, for what counts up or down: every second while anything does, now and then otherwise. It stands still while the window is hidden. */
export const clock = $state({ now: Date.now() });

const SECOND_MS = 1000;
const NOW_AND_THEN_MS = 10_000;

let timer: ReturnType<typeof setInterval> | undefined;
let shown = false;
let counting = 0;

function run(): void {
  clearInterval(timer);
  if (!shown) return;
  clock.now = Date.now();
  timer = setInterval(() => (clock.now = Date.now()), counting > 0 ? SECOND_MS : NOW_AND_THEN_MS);
}

export function runClock(visible: boolean): void {
  shown = visible;
  run();
}

/** Has every second told until what it gives back is called. */
export function countSeconds(): () => void {
  counting += 1;
  if (counting === 1) run();
  return () => {
    counting -= 1;
    if (counting === 0) run();
  };
}
