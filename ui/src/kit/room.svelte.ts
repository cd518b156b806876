/** How much fits in the window, in the size of its text: a large window with large text is a small one. */
const BASE = 13;

export const room = $state({ narrow: false, small: false });

/** Measures now and whenever the window or its text changes size; gives back how to stop. */
export function watchRoom(): () => void {
  const measure = () => {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize) || BASE;
    const width = (window.innerWidth / rem) * BASE;
    room.narrow = width < 1100;
    room.small = width < 640;
  };
  const observer = new ResizeObserver(measure);
  observer.observe(document.documentElement);
  window.addEventListener('resize', measure);
  measure();
  return () => {
    observer.disconnect();
    window.removeEventListener('resize', measure);
  };
}
