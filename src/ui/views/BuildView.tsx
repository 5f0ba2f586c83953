export function BuildView() {
  return <main className="page" id="main" />;
}
