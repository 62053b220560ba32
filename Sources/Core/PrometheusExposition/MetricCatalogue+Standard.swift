extension MetricCatalogue {
    /// All families of the product.
    public static let standard = MetricCatalogue(trusted: [
        fleet, inference, rollouts, canary, updates, http, controller, process,
    ])
}
