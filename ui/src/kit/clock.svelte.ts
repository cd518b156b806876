/** The time, once a second, for what counts up or down. It stands still while the window is hidden. */
export const clock = $state({ now: Date.now() });

let timer: ReturnType<typeof setInterval> | undefined;

export function runClock(visible: boolean): void {
  clearInterval(timer);
  if (!visible) return;
  clock.now = Date.now();
  timer = setInterval(() => (clock.now = Date.now()), 1000);
}
