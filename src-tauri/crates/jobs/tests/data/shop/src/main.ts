const prices: readonly number[] = [12, 7, 5];

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

const shop = document.querySelector("#shop");
if (shop) shop.textContent = `Sum: ${sum(prices)}`;
